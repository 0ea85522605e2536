"""Pure functions: arrays or sentences in, numbers out."""

from signdiff_eval.functional.image import ssim
from signdiff_eval.functional.pose import align, dtw, duration, total_distance
from signdiff_eval.functional.text import Bleu, bleu, cer, chrf, rouge, wer

__all__ = ["Bleu", "align", "bleu", "cer", "chrf", "dtw", "duration", "rouge", "ssim", "total_distance", "wer"]
