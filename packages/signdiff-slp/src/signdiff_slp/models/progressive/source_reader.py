"""Shows the decoder what it is about to sign: the source at the place that the counter stands for."""

from __future__ import annotations

import math
from typing import Final, final

import torch
from fairseq2.nn import BatchLayout, Linear
from torch import Tensor
from torch.nn import Module, Parameter

HARMONICS: Final = (1.0, 2.0, 3.0, 4.0)
"""Turns per token of the phases that tell how far a token has been signed."""

_MAX_LOG_DURATION: Final = 2.0


@final
class SourceReader(Module):
    """Turns a counter into a place in the source, and reads the encoder's output there.

    Every token is given a share of the sequence, its duration, by the encoder. The place is the number of tokens whose
    share has passed, with the fraction of the one that is being signed. What is read is the mean of the encoder's
    outputs, weighted by a Gaussian of their distance from the place, and modulated by the phase within the token: so a
    letter that is a movement has its own course of time. Durations are not labelled; they are learned with the rest.

    Args:
        model_dim: dimensionality of the model, M; even.
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
        """Read.

        Args:
            counter: (N, T, 1) float32.
            encoded: (N, S, M) the encoder's output.
            layout: layout of ``encoded``.

        Returns:
            (N, T, M) in the type of ``encoded``: what was read, and the sinusoids of the place, on the scale of the
            encoder's positions.
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
        """Find the place in the source.

        Args:
            counter: (N, T, 1) float32.
            encoded: (N, S, M) the encoder's output.
            layout: layout of ``encoded``.

        Returns:
            (N, T, 1) float32, in tokens: from 0 to the number of tokens.
        """
        logits: Tensor = self.duration_proj(encoded).squeeze(-1).float()
        shares = (_MAX_LOG_DURATION * torch.tanh(logits / _MAX_LOG_DURATION)).exp()
        shares = torch.where(layout.position_indices >= 0, shares, 0.0)
        shares = (shares / shares.sum(dim=-1, keepdim=True))[:, None, :]
        passed = counter - (shares.cumsum(dim=-1) - shares)
        return (passed / shares.clamp(min=1e-6)).clamp(0.0, 1.0).masked_fill(shares == 0, 0.0).sum(-1, keepdim=True)
