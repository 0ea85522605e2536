"""The decoder's way in: frames and counters to vectors."""

from __future__ import annotations

import math
from typing import Literal, final

import torch
from fairseq2.nn import BatchLayout, IncrementalStateBag, Linear, PositionEncoder
from torch import Tensor
from torch.nn import Dropout, Module, Parameter


@final
class PoseFrontend(Module):
    """Embeds the frames that have been signed so far.

    Args:
        pose_dim: values of a frame, D.
        model_dim: dimensionality of the model, M; even.
        just_counter: leave the pose out and embed the counter only.
        clock: "frame" adds ``pos_encoder``'s code of the frame's number. "token" adds the same sinusoids evaluated at
            the counter times the number of source tokens, u, and what the encoder says about the source around u: its
            outputs, weighted by a Gaussian (whose width is learned) of their distance from u.
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
        reads_source = clock == "token"
        self.proj = Linear((0 if just_counter else pose_dim) + 1 + (4 if reads_source else 0), model_dim, bias=True)
        self.source_reader = SourceReader(model_dim) if reads_source else None
        self.pos_encoder = pos_encoder
        self.register_buffer("frequencies", torch.empty(model_dim // 2), persistent=False)
        self.dropout = Dropout(dropout_p)
        self.reset_parameters()

    def reset_non_persistent_buffers(self) -> None:
        """Compute the sinusoids' frequencies: those of fairseq2's ``SinusoidalPositionEncoder``."""
        half = self.frequencies.numel()
        steps = torch.arange(half, device=self.frequencies.device, dtype=torch.float32)
        self.frequencies.copy_(torch.exp(steps * (-math.log(10000.0) / max(half - 1, 1))))

    def reset_parameters(self) -> None:
        """Compute the buffers; the parameters belong to submodules."""
        self.reset_non_persistent_buffers()

    def forward(
        self,
        frames: Tensor,
        layout: BatchLayout,
        encoded: Tensor,
        encoded_layout: BatchLayout,
        *,
        state_bag: IncrementalStateBag | None = None,
    ) -> Tensor:
        """Embed frames.

        Args:
            frames: (N, T, D + 1) float32 standardised poses, and counters in [0, 1]. Half precision could not count
                the frames.
            layout: layout of ``frames``.
            encoded: (N, S, M) the encoder's output.
            encoded_layout: layout of ``encoded``.
            state_bag: keeps the position between the steps of a decoder.

        Returns:
            (N, T, M).
        """
        inputs = frames[..., self.pose_dim :] if self.just_counter else frames
        if self.source_reader is None:
            seqs: Tensor = self.proj(inputs.to(self.proj.weight.dtype))
            if self.pos_encoder is not None:
                seqs = self.pos_encoder(seqs, layout, state_bag=state_bag)
        else:
            time = frames[..., self.pose_dim :] * encoded_layout.seq_lens_pt.to(frames.dtype)[:, None, None]
            turns = math.pi * torch.cat([time, 2.0 * time], dim=-1)
            angles = time * self.frequencies
            inputs = torch.cat([inputs, turns.sin(), turns.cos()], dim=-1)
            seqs = self.proj(inputs.to(self.proj.weight.dtype))
            seqs = seqs + torch.cat([angles.sin(), angles.cos()], dim=-1).to(seqs.dtype)
            seqs = seqs + self.source_reader(time, encoded, encoded_layout)
        output: Tensor = self.dropout(seqs)
        return output


@final
class SourceReader(Module):
    """Shows the decoder what the encoder says at a place in the source: a soft pointer.

    Args:
        model_dim: dimensionality of the model, M.
    """

    def __init__(self, model_dim: int) -> None:
        super().__init__()
        self.proj = Linear(model_dim, model_dim, bias=True)
        self.sharpness = Parameter(torch.empty(1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the Gaussian's standard deviation to 0.7 tokens."""
        torch.nn.init.constant_(self.sharpness, 1.0)

    def forward(self, time: Tensor, encoded: Tensor, layout: BatchLayout) -> Tensor:
        """Average the encoder's output around the given places.

        Args:
            time: (N, T, 1) places, in tokens from the start of the source.
            encoded: (N, S, M) the encoder's output.
            layout: layout of ``encoded``.

        Returns:
            (N, T, M).
        """
        positions = layout.position_indices[:, None, :]
        # A token's middle is half a token after its start.
        scores = -self.sharpness * (time - (positions.to(time.dtype) + 0.5)).square()
        weights = scores.masked_fill(positions < 0, -torch.inf).softmax(dim=-1)
        read: Tensor = self.proj(weights.to(encoded.dtype) @ encoded)
        return read
