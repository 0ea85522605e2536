"""Accumulating metrics: `update` with one pair at a time, `compute` the score of all of them."""

from signdiff_eval.metrics.image import SSIM
from signdiff_eval.metrics.metric import Metric
from signdiff_eval.metrics.pose import DTW, Duration, TotalDistance

__all__ = ["DTW", "SSIM", "Duration", "Metric", "TotalDistance"]
