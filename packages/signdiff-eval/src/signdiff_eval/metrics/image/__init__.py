"""Metrics of images and videos."""

from signdiff_eval.metrics.image.detector import MediaPipeHands
from signdiff_eval.metrics.image.fid import FID
from signdiff_eval.metrics.image.flicker import Flicker
from signdiff_eval.metrics.image.hands import HandPose, HandSSIM
from signdiff_eval.metrics.image.ssim import SSIM
from signdiff_eval.metrics.image.video import VideoMetric, update_together

__all__ = ["FID", "SSIM", "Flicker", "HandPose", "HandSSIM", "MediaPipeHands", "VideoMetric", "update_together"]
