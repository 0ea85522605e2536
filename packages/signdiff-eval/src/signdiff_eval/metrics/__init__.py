"""Accumulating metrics: `update` with one pair at a time, `compute` the score of all of them."""

from signdiff_eval.metrics.image import SSIM
from signdiff_eval.metrics.metric import Metric
from signdiff_eval.metrics.pose import DTW, Duration, TotalDistance
from signdiff_eval.metrics.text import BLEU, CER, CHRF, ROUGE, WER

__all__ = ["BLEU", "CER", "CHRF", "DTW", "ROUGE", "SSIM", "WER", "Duration", "Metric", "TotalDistance"]
