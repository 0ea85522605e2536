"""The decoder's way in: frames and counters to vectors, and the place in the source that a counter stands for."""

from __future__ import annotations

import math
from typing import Final, Literal, final

import torch
from fairseq2.nn import BatchLayout, IncrementalStateBag, Linear, PositionEncoder
from torch import Tensor
from torch.nn import Dropout, Module, Parameter
from typing_extensions import override

HARMONICS: Final = (1.0, 2.0, 3.0, 4.0)
"""Turns per token of the phases that tell how far a token has been signed."""

_MAX_LOG_DURATION: Final = 2.0


@final
class PoseFrontend(Module):
    """Embeds the frames that have been signed so far, or with ``just_counter`` the counter only.

    The clock "frame" adds ``pos_encoder``'s code of the frame's number. "token" has no frame numbers; it adds what
    `SourceReader` reads at the place that the counter stands for.
    """

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
        self.proj = Linear((0 if just_counter else pose_dim) + 1, model_dim, bias=True)
        self.pos_encoder = pos_encoder
        self.source_reader = SourceReader(model_dim) if clock == "token" else None
        self.dropout = Dropout(dropout_p)

    def forward(
        self,
        frames: Tensor,
        layout: BatchLayout,
        encoded: Tensor,
        encoded_layout: BatchLayout,
        *,
        state_bag: IncrementalStateBag | None = None,
    ) -> Tensor:
        """Embed frames, (N, T, D + 1) standardised poses and counters in [0, 1], as (N, T, M).

        Frames are float32: half precision could not count them. ``encoded`` (N, S, M) is the encoder's output;
        ``state_bag`` keeps the position between the steps of a decoder.
        """
        inputs = frames[..., self.pose_dim :] if self.just_counter else frames
        seqs: Tensor = self.proj(inputs.to(self.proj.weight.dtype))
        if self.source_reader is not None:
            seqs = seqs + self.source_reader(frames[..., self.pose_dim :], encoded, encoded_layout)
        if self.pos_encoder is not None:
            seqs = self.pos_encoder(seqs, layout, state_bag=state_bag)
        output: Tensor = self.dropout(seqs)
        return output


@final
class SourceReader(Module):
    """Turns a counter into a place in the source, and reads the encoder's output there.

    Every token is given a share of the sequence, its duration, by the encoder. The place is the number of tokens whose
    share has passed, with the fraction of the one that is being signed. What is read is the mean of the encoder's
    outputs, weighted by a Gaussian of their distance from the place, and modulated by the phase within the token: so a
    letter that is a movement has its own course of time. Durations are not labelled; they are learned with the rest.
    """

    frequencies: Tensor

    def __init__(self, model_dim: int) -> None:
        super().__init__()
        self.duration_proj = Linear(model_dim, 1, bias=False)
        self.phase_proj = Linear(2 * len(HARMONICS), model_dim, bias=True)
        self.output_proj = Linear(model_dim, model_dim, bias=True)
        self.sharpness = Parameter(torch.empty(1))
        self.register_buffer("frequencies", torch.empty(model_dim // 2), persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start from equal durations and a Gaussian with a standard deviation of 0.7 tokens."""
        torch.nn.init.zeros_(self.duration_proj.weight)
        torch.nn.init.constant_(self.sharpness, 1.0)
        self.reset_non_persistent_buffers()

    def reset_non_persistent_buffers(self) -> None:
        """Compute the sinusoids' frequencies: those of fairseq2's ``SinusoidalPositionEncoder``."""
        half = self.frequencies.numel()
        steps = torch.arange(half, device=self.frequencies.device, dtype=torch.float32)
        self.frequencies.copy_(torch.exp(steps * (-math.log(10000.0) / max(half - 1, 1))))

    def forward(self, counter: Tensor, encoded: Tensor, layout: BatchLayout) -> Tensor:
        """Read at counters (N, T, 1) float32 in the encoder's output (N, S, M): (N, T, M) of its type.

        The sinusoids of the place are added, on the scale of the encoder's positions.
        """
        place = self.place(counter, encoded, layout)
        positions = layout.position_indices[:, None, :]
        # A token's middle is half a token after its start.
        scores = -self.sharpness.float() * (place - (positions.float() + 0.5)).square()
        weights = scores.masked_fill(positions < 0, -torch.inf).softmax(dim=-1)
        turns = torch.cat([2.0 * math.pi * harmonic * place for harmonic in HARMONICS], dim=-1)
        phases = torch.cat([turns.sin(), turns.cos()], dim=-1)
        angles = place * self.frequencies.float()
        sinusoids = torch.cat([angles.sin(), angles.cos()], dim=-1)

        read = weights.to(encoded.dtype) @ encoded
        modulation: Tensor = 1.0 + self.phase_proj(phases.to(encoded.dtype))
        output: Tensor = self.output_proj(read * modulation) + sinusoids.to(encoded.dtype)
        return output

    def place(self, counter: Tensor, encoded: Tensor, layout: BatchLayout) -> Tensor:
        """Find the place in the source, (N, T, 1) float32 from 0 to the number of tokens; arguments as of `forward`."""
        logits: Tensor = self.duration_proj(encoded).squeeze(-1).float()
        shares = (_MAX_LOG_DURATION * torch.tanh(logits / _MAX_LOG_DURATION)).exp()
        shares = torch.where(layout.position_indices >= 0, shares, 0.0)
        shares = (shares / shares.sum(dim=-1, keepdim=True))[:, None, :]
        passed = counter - (shares.cumsum(dim=-1) - shares)
        return (passed / shares.clamp(min=1e-6)).clamp(0.0, 1.0).masked_fill(shares == 0, 0.0).sum(-1, keepdim=True)


@final
class InterleavedPositionEncoder(PositionEncoder):
    """Adds sinusoids of the position, which counts from 0, as published: sine at even channels, cosine at odd ones.

    Source: Vaswani et al. 2017, section 3.5. fairseq2's own has all sines before all cosines, and other frequencies.
    """

    codes: Tensor

    def __init__(self, encoding_dim: int, max_seq_len: int) -> None:
        super().__init__(encoding_dim)
        self.max_seq_len = max_seq_len
        self.register_buffer("codes", torch.empty(max_seq_len, encoding_dim), persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Compute the sinusoids."""
        self.reset_non_persistent_buffers()

    def reset_non_persistent_buffers(self) -> None:
        """Compute the sinusoids."""
        device = self.codes.device
        places = torch.arange(self.max_seq_len, device=device, dtype=torch.float32).unsqueeze(1)
        channels = torch.arange(0, self.encoding_dim, 2, device=device, dtype=torch.float32)
        angles = places * torch.exp(channels * (-math.log(10000.0) / self.encoding_dim))
        self.codes[:, 0::2] = angles.sin()
        self.codes[:, 1::2] = angles.cos()

    @override
    def forward(
        self, seqs: Tensor, seqs_layout: BatchLayout, *, state_bag: IncrementalStateBag | None = None
    ) -> Tensor:
        start = 0 if self.training or state_bag is None else state_bag.step_nr
        end = start + seqs.size(1)
        if end > self.max_seq_len:
            raise ValueError(f"seqs must have at most {self.max_seq_len} positions, but has {end}.")
        return seqs + self.codes[start:end].to(seqs.dtype)
