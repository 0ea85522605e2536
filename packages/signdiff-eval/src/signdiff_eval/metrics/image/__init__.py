"""Metrics of images and videos."""

from signdiff_eval.metrics.image.ssim import SSIM

__all__ = ["SSIM"]
