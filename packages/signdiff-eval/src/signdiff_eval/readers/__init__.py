"""Files in, sequences of joints and streams of frames out, in pairs of hypothesis and reference."""

from signdiff_eval.readers.formats import PoseFormats
from signdiff_eval.readers.pairs import Pair, pair_up
from signdiff_eval.readers.poses import PoseSequence, channels_of, sequence_of, wrists_of
from signdiff_eval.readers.slrtp import SLRTPFormat, read_slrtp_texts
from signdiff_eval.readers.texts import read_lines
from signdiff_eval.readers.torch_files import check_torch_file
from signdiff_eval.readers.video import VIDEO_SUFFIXES, is_video, open_video

__all__ = [
    "VIDEO_SUFFIXES",
    "Pair",
    "PoseFormats",
    "PoseSequence",
    "SLRTPFormat",
    "channels_of",
    "check_torch_file",
    "is_video",
    "open_video",
    "pair_up",
    "read_lines",
    "read_slrtp_texts",
    "sequence_of",
    "wrists_of",
]
