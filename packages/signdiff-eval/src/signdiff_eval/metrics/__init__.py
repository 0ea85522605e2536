"""Accumulating metrics: `update` with one pair at a time, `compute` the score of all of them."""

from signdiff_eval.metrics.dtw import DTW
from signdiff_eval.metrics.fid import FID
from signdiff_eval.metrics.hands import HandPose, HandSSIM, MediaPipeHands
from signdiff_eval.metrics.image import SSIM, Flicker, VideoMetric
from signdiff_eval.metrics.metric import Metric, PoseMetric
from signdiff_eval.metrics.movement import Duration, TotalDistance, WristDistance
from signdiff_eval.metrics.text import BLEU, CER, CHRF, ROUGE, WER, TextMetric

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
    "PoseMetric",
    "TextMetric",
    "TotalDistance",
    "VideoMetric",
    "WristDistance",
]
