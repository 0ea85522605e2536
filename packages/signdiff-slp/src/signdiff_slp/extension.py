"""Makes this package's families known to fairseq2, which finds it by its entry point ``fairseq2.extension``."""

from __future__ import annotations

from fairseq2.composition import (
    register_dataset_family,
    register_model_family,
    register_package_assets,
    register_tokenizer_family,
)
from fairseq2.runtime.dependency import DependencyContainer

from signdiff_slp.datasets.text_pose import TEXT_POSE_FAMILY, TextPoseConfig, TextPoseDataset, open_text_pose_dataset
from signdiff_slp.models.progressive.config import PROGRESSIVE_FAMILY, ProgressiveConfig, register_configs
from signdiff_slp.models.progressive.factory import apply_ac, apply_fsdp, convert_state_dict, create_model
from signdiff_slp.models.progressive.model import ProgressiveTransformer
from signdiff_slp.tokenizers.saved import FAMILIES


def setup_fairseq2_extension(container: DependencyContainer) -> None:
    """Register the model, tokenizer and dataset families, and the asset cards."""
    register_model_family(
        container,
        PROGRESSIVE_FAMILY,
        kls=ProgressiveTransformer,
        config_kls=ProgressiveConfig,
        factory=create_model,
        state_dict_converter=convert_state_dict,
        fsdp_applier=apply_fsdp,
        layerwise_ac_applier=apply_ac,
    )
    register_configs(container)
    for family, (kls, config_kls, loader) in FAMILIES.items():
        register_tokenizer_family(container, family, kls=kls, config_kls=config_kls, loader=loader)
    register_dataset_family(container, TEXT_POSE_FAMILY, TextPoseDataset, TextPoseConfig, opener=open_text_pose_dataset)
    register_package_assets(container, "signdiff_slp.cards")
