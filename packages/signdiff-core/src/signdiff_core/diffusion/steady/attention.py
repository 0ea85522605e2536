"""Letting frames look at reference frames of their batch, so that the signer keeps one appearance."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diffusers import UNet2DConditionModel
    from diffusers.models.attention_processor import Attention


class ReferenceAttention:
    """Self-attention over the frame itself and the reference frames of its batch; nothing is trained.

    It takes no arguments, as diffusers wants of an attention processor; set `frames` and `references` before each
    batch.
    """

    def __init__(self) -> None:
        self.frames = 1
        """Frames in a batch; guidance doubles the batch, not this."""

        self.references: tuple[int, ...] = (0,)
        """Frames of the batch that all attend to."""

    def __call__(
        self,
        attn: Attention,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> torch.Tensor:
        """Attend; the arguments are those of every attention processor, (B, L, C) in and out."""
        batch, length, _ = hidden_states.shape

        def with_references(states: torch.Tensor) -> torch.Tensor:
            states = states.view(-1, self.frames, length, states.shape[-1])
            others = [states[:, place : place + 1].expand_as(states) for place in self.references]
            return torch.cat([states, *others], dim=2).flatten(0, 1)

        def heads(states: torch.Tensor) -> torch.Tensor:
            return states.view(batch, -1, attn.heads, states.shape[-1] // attn.heads).transpose(1, 2)

        query = heads(attn.to_q(hidden_states))
        key = heads(with_references(attn.to_k(hidden_states)))
        value = heads(with_references(attn.to_v(hidden_states)))
        mixed = torch.nn.functional.scaled_dot_product_attention(query, key, value, scale=attn.scale)
        mixed = mixed.transpose(1, 2).reshape(batch, length, -1).to(hidden_states.dtype)
        made: torch.Tensor = attn.to_out[1](attn.to_out[0](mixed))
        return made


@contextmanager
def attending_to_references(unet: UNet2DConditionModel) -> Iterator[ReferenceAttention]:
    """Use `ReferenceAttention` for a UNet's self-attention inside a block; its own processors come back afterwards."""
    processors = dict(unet.attn_processors)
    attention = ReferenceAttention()
    own = {name: attention if name.endswith("attn1.processor") else other for name, other in processors.items()}
    try:
        unet.set_attn_processor(own)
        yield attention
    finally:
        unet.set_attn_processor(processors)
