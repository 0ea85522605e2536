"""The decoder's way in: frames and counters to vectors."""

from __future__ import annotations

import math
from typing import Literal, final

import torch
from fairseq2.nn import BatchLayout, IncrementalStateBag, Linear, PositionEncoder
from torch import Tensor
from torch.nn import Dropout, Module


@final
class PoseFrontend(Module):
    """Embeds the frames that have been signed so far.

    Args:
        pose_dim: values of a frame, D.
        model_dim: dimensionality of the model, M; even.
        just_counter: leave the pose out and embed the counter only.
        clock: "frame" adds ``pos_encoder``'s code of the frame's number; "token" adds the same sinusoids evaluated at
            the counter times the number of source tokens.
        pos_encoder: encodes frame numbers; needed for the clock "frame".
        dropout_p: dropout probability.
    """

    frequencies: Tensor

    def __init__(
        self,
        pose_dim: int,
        model_dim: int,
        *,
        just_counter: bool,
        clock: Literal["frame", "token"],
        pos_encoder: PositionEncoder | None,
        dropout_p: float,
    ) -> None:
        super().__init__()
        self.pose_dim = pose_dim
        self.just_counter = just_counter
        self.clock = clock
        num_phases = 4 if clock == "token" else 0
        self.proj = Linear((0 if just_counter else pose_dim) + 1 + num_phases, model_dim, bias=True)
        self.register_module("pos_encoder", pos_encoder)
        self.register_buffer("frequencies", torch.empty(model_dim // 2), persistent=False)
        self.dropout = Dropout(dropout_p)
        self.reset_non_persistent_buffers()

    def reset_non_persistent_buffers(self) -> None:
        """Compute the sinusoids' frequencies: those of fairseq2's ``SinusoidalPositionEncoder``."""
        half = self.frequencies.numel()
        steps = torch.arange(half, device=self.frequencies.device, dtype=torch.float32)
        self.frequencies.copy_(torch.exp(steps * (-math.log(10000.0) / max(half - 1, 1))))

    def reset_parameters(self) -> None:
        """Compute the buffers; parameters belong to submodules."""
        self.reset_non_persistent_buffers()

    def forward(
        self,
        frames: Tensor,
        layout: BatchLayout,
        source_lens: Tensor,
        *,
        state_bag: IncrementalStateBag | None = None,
    ) -> Tensor:
        """Embed frames.

        Args:
            frames: (N, T, D + 1) standardised poses, and counters in [0, 1].
            layout: layout of ``frames``.
            source_lens: (N) numbers of source tokens.
            state_bag: keeps the position between the steps of a decoder.

        Returns:
            (N, T, M).
        """
        inputs = frames[..., self.pose_dim :] if self.just_counter else frames
        if self.clock == "frame":
            seqs = self.proj(inputs)
            seqs = self.pos_encoder(seqs, layout, state_bag=state_bag)  # type: ignore[operator]
        else:
            time = frames[..., self.pose_dim :] * source_lens.to(frames.dtype)[:, None, None]
            turns = math.pi * torch.cat([time, 2.0 * time], dim=-1)
            seqs = self.proj(torch.cat([inputs, turns.sin(), turns.cos()], dim=-1))
            angles = time * self.frequencies
            seqs = seqs + torch.cat([angles.sin(), angles.cos()], dim=-1)
        return self.dropout(seqs)  # type: ignore[no-any-return]
