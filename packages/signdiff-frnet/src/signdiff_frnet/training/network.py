"""The predictor's network: a small U-Net from a drawing and a reference map to the logits of an FR map."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

DRAWING_CHANNELS = 3
INPUT_CHANNELS = 4
PATCH = 4


class StrokeUNet(nn.Module):
    """Tells for every pixel how likely a stroke of the FR map lies there.

    Patches of 4x4 pixels become vectors, a U-Net of residual blocks mixes them, and overlapping patches come out. There
    is no normalisation: what a sample gives depends on no other sample, so the losses of one process and of several
    agree, and the exported network is this one.

    Args:
        block_out_channels: width of each level; each level after the first halves the sides. With five, sides are
            multiples of 64.

    Example:
        >>> network = StrokeUNet((8, 8, 8, 8, 8))
        >>> network(torch.zeros(2, 4, 64, 128)).shape
        torch.Size([2, 1, 64, 128])
    """

    def __init__(self, block_out_channels: Sequence[int] = (48, 64, 96, 128, 128)) -> None:
        super().__init__()
        widths = tuple(block_out_channels)
        steps = list(pairwise(widths))
        self.stem = nn.Conv2d(INPUT_CHANNELS, widths[0], 2 * PATCH, PATCH, PATCH // 2)
        self.encoder = nn.ModuleList(_Residual(width) for width in widths)
        self.down = nn.ModuleList(nn.Conv2d(fine, coarse, 3, 2, 1) for fine, coarse in steps)
        self.up = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in steps)
        self.decoder = nn.ModuleList(_Residual(width) for width in widths[:-1])
        self.head = nn.ConvTranspose2d(widths[0], 1, 2 * PATCH, PATCH, PATCH // 2)

    def forward(self, conditions: Tensor) -> Tensor:
        """Predict.

        Args:
            conditions: (B, 4, H, W) in [0, 1]: the drawing, red, green, blue; then the reference map, 0 on its strokes
                and 1 elsewhere, or all 0 where there is none. H and W are multiples of 64.

        Returns:
            (B, 1, H, W) logits of a stroke.
        """
        features = self.stem(conditions)
        skips: list[Tensor] = []
        for level, block in enumerate(self.encoder):
            features = block(features)
            if level < len(self.down):
                skips.append(features)
                features = self.down[level](functional.relu(features))
        for level in reversed(range(len(self.up))):
            # Convolutions of width 1 commute with repeating pixels, and are four times cheaper before it.
            wider = functional.interpolate(self.up[level](features), scale_factor=2.0, mode="nearest")
            features = self.decoder[level](wider + skips[level])
        logits: Tensor = self.head(functional.relu(features))
        return logits


class StrokeProbability(nn.Module):
    """What is exported: the network, and the logistic function after it.

    Args:
        network: gives logits.
    """

    def __init__(self, network: StrokeUNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, conditions: Tensor) -> Tensor:
        """Predict (B, 1, H, W) probabilities of a stroke, from what `StrokeUNet.forward` takes."""
        return torch.sigmoid(self.network(conditions))


class _Residual(nn.Module):
    """Adds what two convolutions find; at first nothing, so that deep networks start well without normalisation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        assert self.second.bias is not None  # noqa: S101  # for the type checker: convolutions have one by default
        nn.init.zeros_(self.second.bias)

    def forward(self, features: Tensor) -> Tensor:
        found: Tensor = self.second(functional.relu(self.first(functional.relu(features))))
        return features + found
