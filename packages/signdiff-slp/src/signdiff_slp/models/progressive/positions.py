"""Sinusoidal positions as published: sine at even channels, cosine at odd ones."""

from __future__ import annotations

import math
from typing import final

import torch
from fairseq2.nn import BatchLayout, IncrementalStateBag, PositionEncoder
from torch import Tensor
from typing_extensions import override


@final
class InterleavedPositionEncoder(PositionEncoder):
    """Adds sinusoids of the position, which counts from 0 (Vaswani et al. 2017, section 3.5).

    fairseq2's own encoder has all sines before all cosines, and other frequencies.

    Args:
        encoding_dim: dimensionality of the vectors, M; even.
        max_seq_len: the largest number of positions.
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
