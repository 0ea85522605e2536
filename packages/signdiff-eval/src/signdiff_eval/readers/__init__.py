"""Files in, sequences of joints and streams of frames out, in pairs of reference and hypothesis."""

from signdiff_eval.readers.formats import PoseFormats
from signdiff_eval.readers.pairs import Pair, pair_up
from signdiff_eval.readers.poses import PoseSequence, sequence_of
from signdiff_eval.readers.video import VIDEO_SUFFIXES, is_video, open_video

__all__ = ["VIDEO_SUFFIXES", "Pair", "PoseFormats", "PoseSequence", "is_video", "open_video", "pair_up", "sequence_of"]
