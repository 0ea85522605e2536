"""Accumulating metrics: `update` with one pair at a time, `compute` the score of all of them."""

from signdiff_eval.metrics.image import FID, SSIM, Flicker, HandPose, HandSSIM, MediaPipeHands
from signdiff_eval.metrics.metric import Metric
from signdiff_eval.metrics.pose import DTW, Duration, TotalDistance, WristDistance
from signdiff_eval.metrics.text import BLEU, CER, CHRF, ROUGE, WER

__all__ = [
    "BLEU",
    "CER",
    "CHRF",
    "DTW",
    "FID",
    "ROUGE",
    "SSIM",
    "WER",
    "Duration",
    "Flicker",
    "HandPose",
    "HandSSIM",
    "MediaPipeHands",
    "Metric",
    "TotalDistance",
    "WristDistance",
]
