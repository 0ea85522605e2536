"""Pure functions: arrays or sentences in, numbers out."""

from signdiff_eval.functional.image import (
    SmallSampleWarning,
    fid,
    flicker,
    frechet_distance,
    hand_box,
    hand_pose,
    ssim,
)
from signdiff_eval.functional.pose import align, dtw, dtw_batch, dtw_channels, duration, total_distance
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
