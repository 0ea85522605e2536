"""Functions that compare two images."""

from signdiff_eval.functional.image.ssim import ssim

__all__ = ["ssim"]
