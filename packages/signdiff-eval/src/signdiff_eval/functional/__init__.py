"""Pure functions: arrays or sentences in, numbers out."""

from signdiff_eval.functional.dtw import align, dtw, dtw_batch, dtw_channels
from signdiff_eval.functional.fid import SmallSampleWarning, fid, frechet_distance
from signdiff_eval.functional.hands import hand_box, hand_pose
from signdiff_eval.functional.image import flicker, ssim
from signdiff_eval.functional.movement import duration, total_distance
from signdiff_eval.functional.text import Bleu, bleu, cer, chrf, rouge, wer

__all__ = [
    "Bleu",
    "SmallSampleWarning",
    "align",
    "bleu",
    "cer",
    "chrf",
    "dtw",
    "dtw_batch",
    "dtw_channels",
    "duration",
    "fid",
    "flicker",
    "frechet_distance",
    "hand_box",
    "hand_pose",
    "rouge",
    "ssim",
    "total_distance",
    "wer",
]
