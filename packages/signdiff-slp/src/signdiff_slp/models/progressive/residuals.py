"""How far the model's predictions are off, value by value: what its own decoding will have to live with."""

from __future__ import annotations

from typing import Final, final

import torch
from torch import Tensor, distributed
from torch.nn import Module

MOMENTUM: Final = 0.99
"""Share of the old mean in the new one, each step."""


@final
class ResidualStatistics(Module):
    """Keeps the mean square of the residuals of each value, over the last hundred steps or so.

    The code of Progressive Transformers takes it over an epoch; a running mean needs no epochs, and goes on where it
    was when a run is resumed: it is a persistent buffer.

    Args:
        pose_dim: values of a frame, D.
    """

    mean_square: Tensor

    def __init__(self, pose_dim: int) -> None:
        super().__init__()
        self.register_buffer("mean_square", torch.empty(pose_dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Know nothing: no residuals."""
        with torch.no_grad():
            self.mean_square.zero_()

    @property
    def spread(self) -> Tensor:
        """The root of the mean square, (D,)."""
        return self.mean_square.sqrt()

    @torch.no_grad()
    def update(self, residuals: Tensor, mask: Tensor) -> None:
        """Take in the residuals of a step, of all processes.

        Args:
            residuals: (N, T, D) predicted minus true standardised values; 0 where the batch is padded.
            mask: (N, T) bool: not padding.
        """
        found = torch.cat([residuals.float().square().sum((0, 1)), mask.sum().float().unsqueeze(0)])
        if distributed.is_initialized():
            distributed.all_reduce(found)
        mean = found[:-1] / found[-1].clamp(min=1.0)
        share = MOMENTUM if bool(self.mean_square.any()) else 0.0
        self.mean_square.mul_(share).add_(mean, alpha=1.0 - share)
