"""The progressive transformer (Saunders et al. 2020), as SignDiff's ASL-SLP uses it."""

from signdiff_slp.models.progressive.bones import bone_directions, bone_lengths, with_bone_lengths
from signdiff_slp.models.progressive.config import PROGRESSIVE_FAMILY, ProgressiveConfig, register_configs
from signdiff_slp.models.progressive.factory import ProgressiveFactory, create_model, create_single_model
from signdiff_slp.models.progressive.fairseq2_hooks import apply_ac, apply_fsdp, convert_state_dict
from signdiff_slp.models.progressive.frontend import PoseFrontend
from signdiff_slp.models.progressive.generation import generate, generate_with_timing
from signdiff_slp.models.progressive.hub import get_progressive_model_hub
from signdiff_slp.models.progressive.model import ProgressiveTransformer
from signdiff_slp.models.progressive.standardizer import PoseStandardizer

__all__ = [
    "PROGRESSIVE_FAMILY",
    "PoseFrontend",
    "PoseStandardizer",
    "ProgressiveConfig",
    "ProgressiveFactory",
    "ProgressiveTransformer",
    "apply_ac",
    "apply_fsdp",
    "bone_directions",
    "bone_lengths",
    "convert_state_dict",
    "create_model",
    "create_single_model",
    "generate",
    "generate_with_timing",
    "get_progressive_model_hub",
    "register_configs",
    "with_bone_lengths",
]
