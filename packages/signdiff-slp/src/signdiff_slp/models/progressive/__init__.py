"""The progressive transformer (Saunders et al. 2020), as SignDiff's ASL-SLP uses it."""

from signdiff_slp.models.progressive.config import PROGRESSIVE_FAMILY, ProgressiveConfig
from signdiff_slp.models.progressive.factory import create_model, create_single_model, get_progressive_model_hub
from signdiff_slp.models.progressive.generation import generate, generate_with_timing
from signdiff_slp.models.progressive.model import ProgressiveTransformer
from signdiff_slp.models.progressive.poses import PoseStandardizer, bone_directions, bone_lengths, with_bone_lengths

__all__ = [
    "PROGRESSIVE_FAMILY",
    "PoseStandardizer",
    "ProgressiveConfig",
    "ProgressiveTransformer",
    "bone_directions",
    "bone_lengths",
    "create_model",
    "create_single_model",
    "generate",
    "generate_with_timing",
    "get_progressive_model_hub",
    "with_bone_lengths",
]
