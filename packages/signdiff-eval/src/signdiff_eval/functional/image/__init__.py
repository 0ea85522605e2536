"""Functions that compare images and videos."""

from signdiff_eval.functional.image.flicker import flicker
from signdiff_eval.functional.image.frechet import SmallSampleWarning, fid, frechet_distance
from signdiff_eval.functional.image.hands import hand_box, hand_pose
from signdiff_eval.functional.image.ssim import ssim

__all__ = ["SmallSampleWarning", "fid", "flicker", "frechet_distance", "hand_box", "hand_pose", "ssim"]
