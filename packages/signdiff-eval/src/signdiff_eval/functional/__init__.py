"""Pure functions: arrays in, one number out."""

from signdiff_eval.functional.image import ssim
from signdiff_eval.functional.pose import align, dtw, duration, total_distance

__all__ = ["align", "dtw", "duration", "ssim", "total_distance"]
