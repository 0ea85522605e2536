"""What fairseq2 needs to load, shard and checkpoint the model."""

from __future__ import annotations

from collections.abc import Mapping

from fairseq2.models.utils.ac import apply_layerwise_ac
from fairseq2.models.utils.fsdp import apply_layerwise_fsdp
from fairseq2.nn.fsdp import FSDPWrapper
from torch.nn import Module

from signdiff_slp.models.progressive.config import ProgressiveConfig
from signdiff_slp.models.progressive.model import ProgressiveTransformer


def convert_state_dict(state_dict: dict[str, object], config: ProgressiveConfig) -> dict[str, object]:
    """Take the parameters out of a checkpoint, which may hold them under ``model``."""
    inner = state_dict.get("model")
    return dict(inner) if isinstance(inner, Mapping) else state_dict


def apply_fsdp(model: ProgressiveTransformer, granularity: str, wrapper: FSDPWrapper) -> Module:
    """Shard the model by ``layer``, ``stack`` or as a whole (``model``)."""
    if granularity == "model":
        return wrapper(model)
    if granularity == "stack":
        model.register_module("encoder", wrapper(model.encoder))
        model.register_module("decoder", wrapper(model.decoder))
    else:
        apply_layerwise_fsdp(model.encoder.layers, wrapper)
        apply_layerwise_fsdp(model.decoder.layers, wrapper)
    return model


def apply_ac(model: ProgressiveTransformer, every_nth_layer: int) -> Module:
    """Recompute every n-th layer's activations in the backward pass."""
    apply_layerwise_ac(model.encoder.layers, every_nth_layer)
    apply_layerwise_ac(model.decoder.layers, every_nth_layer)
    return model
