"""Builds a progressive transformer from its configuration, and lets fairseq2 load, shard and checkpoint it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from fairseq2 import nn
from fairseq2.device import CPU, Device
from fairseq2.gang import Gangs, create_fake_gangs
from fairseq2.models import ModelHubAccessor, transformer
from fairseq2.models.transformer import AttentionBias, CausalAttentionBias, IdentityBias, TransformerNormOrder
from fairseq2.models.utils.ac import apply_layerwise_ac
from fairseq2.models.utils.fsdp import apply_layerwise_fsdp
from fairseq2.nn.fsdp import FSDPWrapper
from fairseq2.utils.rich import get_error_console
from torch.nn import Module

from signdiff_core.skeleton import find_skeleton
from signdiff_slp.models.progressive.config import PROGRESSIVE_FAMILY, ProgressiveConfig
from signdiff_slp.models.progressive.frontend import InterleavedPositionEncoder, PoseFrontend
from signdiff_slp.models.progressive.model import ProgressiveTransformer, ResidualStatistics
from signdiff_slp.models.progressive.poses import PoseStandardizer

get_progressive_model_hub: Final = ModelHubAccessor(
    PROGRESSIVE_FAMILY, kls=ProgressiveTransformer, config_kls=ProgressiveConfig
)
"""Gives the hub: ``get_progressive_model_hub().load_model("slp_fingerspelling")``."""


def create_model(config: ProgressiveConfig) -> ProgressiveTransformer:
    """Create a progressive transformer with fresh parameters, as fairseq2 asks for it."""
    return ProgressiveFactory(config).create_model()


def create_single_model(config: ProgressiveConfig, device: Device) -> ProgressiveTransformer:
    """Create a progressive transformer for this process alone.

    The layers are given their device and process group. Otherwise they would have fairseq2 set up its whole library,
    every model family of it, only to ask for them.
    """
    gangs = create_fake_gangs(CPU if device.type == "meta" else device)
    with device:
        return ProgressiveFactory(config, gangs=gangs, device=device).create_model()


class ProgressiveFactory:
    """Creates a progressive transformer, part by part; by default for the current process groups and device."""

    def __init__(self, config: ProgressiveConfig, *, gangs: Gangs | None = None, device: Device | None = None) -> None:
        self._config = config
        self._published = config.variant == "published"
        self._gangs = gangs
        self._device = device

    def create_model(self) -> ProgressiveTransformer:
        """Create the whole model."""
        config = self._config
        return ProgressiveTransformer(
            config,
            encoder_frontend=self.create_encoder_frontend(),
            encoder=self.create_encoder(),
            decoder_frontend=self.create_decoder_frontend(),
            decoder=self.create_decoder(),
            final_proj=nn.Linear(config.model_dim, config.output_dim, bias=not self._published),
            standardizer=PoseStandardizer(find_skeleton(config.skeleton), enabled=config.standardize),
            residuals=ResidualStatistics(config.pose_dim) if config.residual_statistics else None,
        )

    def create_encoder_frontend(self) -> transformer.TransformerEmbeddingFrontend:
        """Create the embedding of source tokens."""
        config = self._config
        embed = nn.StandardEmbedding(
            config.vocab_size, config.model_dim, config.pad_idx, init_fn=nn.init_scaled_embedding
        )
        pos_encoder = self.create_position_encoder(config.max_source_len)
        return transformer.TransformerEmbeddingFrontend(
            config.model_dim, embed, pos_encoder, no_scale=self._published, dropout_p=config.dropout_p
        )

    def create_encoder(self) -> transformer.StandardTransformerEncoder:
        """Create the encoder."""
        layers = [
            transformer.StandardTransformerEncoderLayer(
                self.create_attention(IdentityBias()),
                self.create_layer_norm(),
                self.create_ffn(),
                self.create_layer_norm(),
                norm_order=TransformerNormOrder.PRE,
                dropout_p=self._config.dropout_p,
            )
            for _ in range(self._config.num_encoder_layers)
        ]
        return transformer.StandardTransformerEncoder(layers, self.create_layer_norm())

    def create_decoder_frontend(self) -> PoseFrontend:
        """Create the embedding of frames and counters."""
        config = self._config
        pos_encoder = self.create_position_encoder(config.max_target_len) if config.clock == "frame" else None
        return PoseFrontend(
            config.pose_dim,
            config.model_dim,
            just_counter=config.just_counter,
            clock=config.clock,
            pos_encoder=pos_encoder,
            dropout_p=config.dropout_p,
        )

    def create_decoder(self) -> transformer.StandardTransformerDecoder:
        """Create the decoder."""
        layers = [
            transformer.StandardTransformerDecoderLayer(
                self.create_attention(CausalAttentionBias()),
                self.create_layer_norm(),
                # A bias of its own: fairseq2 caches masks by the bias object.
                self.create_attention(IdentityBias()),
                self.create_layer_norm(),
                self.create_ffn(),
                self.create_layer_norm(),
                norm_order=TransformerNormOrder.PRE,
                dropout_p=self._config.dropout_p,
            )
            for _ in range(self._config.num_decoder_layers)
        ]
        return transformer.StandardTransformerDecoder(layers, self.create_layer_norm())

    def create_attention(self, bias: AttentionBias) -> transformer.MultiheadAttention:
        """Create an attention with the given mask."""
        config = self._config
        sdpa = transformer.create_default_sdpa(bias, dropout_p=config.dropout_p)
        return transformer.StandardMultiheadAttention(
            config.model_dim, config.num_heads, sdpa, gangs=self._gangs, device=self._device
        )

    def create_ffn(self) -> transformer.FeedForwardNetwork:
        """Create a feed-forward network."""
        config = self._config
        return transformer.StandardFeedForwardNetwork(
            config.model_dim,
            config.ffn_inner_dim,
            bias=True,
            inner_dropout_p=config.dropout_p,
            gangs=self._gangs,
            device=self._device,
        )

    def create_position_encoder(self, max_seq_len: int) -> nn.PositionEncoder:
        """Create an encoder of positions."""
        if self._published:
            return InterleavedPositionEncoder(self._config.model_dim, max_seq_len)
        return nn.SinusoidalPositionEncoder(self._config.model_dim, max_seq_len)

    def create_layer_norm(self) -> nn.LayerNorm:
        """Create a layer norm."""
        return nn.StandardLayerNorm(self._config.model_dim, bias=True, eps=1e-6 if self._published else 1e-5)


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


@contextmanager
def without_progress() -> Iterator[None]:
    """Load without fairseq2's bar where there is no terminal, for there it ends with an empty line."""
    console = get_error_console()
    before, console.quiet = console.quiet, console.quiet or not console.is_interactive
    try:
        yield
    finally:
        console.quiet = before
