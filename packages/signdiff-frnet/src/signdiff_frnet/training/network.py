"""The predictor's network, a small U-Net from a drawing and a reference map to logits of the FR map; and its loss."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

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
        """Predict (B, 1, H, W) logits of a stroke from (B, 4, H, W) in [0, 1]; H and W are multiples of 64.

        The channels are the drawing, red, green, blue; then the reference map, 0 on its strokes and 1 elsewhere, or all
        0.
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
    """What is exported: the network, and the logistic function after it."""

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


_DOT: Final = (0.0, 0.0, 1.0)
"""Colour of a hand's joints in OpenPose drawings."""

_NEAR: Final = 0.3
_REACH: Final = 32
"""The surroundings reach so many-th of the longer side from a joint."""


def stroke_loss(logits: Tensor, strokes: Tensor, *, dice_weight: float, weights: Tensor | None = None) -> Tensor:
    """Binary cross-entropy, and the soft Dice loss (Milletari et al. 2016) of the strokes; a scalar.

    Logits, strokes (1, 0 elsewhere) and the pixels' weights are (B, 1, H, W). Both are means over samples, so that the
    mean over processes is the loss of all samples together. Strokes cover a small part of a map, which cross-entropy
    alone forgets.

    Example:
        >>> from torch import tensor, zeros
        >>> half = stroke_loss(zeros(1, 1, 1, 2), tensor([[[[1.0, 0.0]]]]), dice_weight=0.0)
        >>> round(half.item(), 4)  # log 2
        0.6931
    """
    logits = logits.float()
    weights = logits.new_ones(logits.shape) if weights is None else weights
    plain = functional.binary_cross_entropy_with_logits(logits, strokes, reduction="none")
    cross_entropy = (weights * plain).sum(dim=(1, 2, 3)) / weights.sum(dim=(1, 2, 3))
    chances = logits.sigmoid()
    shared = (weights * chances * strokes).sum(dim=(1, 2, 3))
    # One pixel more, so that maps without strokes have a loss too.
    dice = (2 * shared + 1) / ((weights * (chances + strokes)).sum(dim=(1, 2, 3)) + 1)
    loss: Tensor = (cross_entropy + dice_weight * (1 - dice)).mean()
    return loss


def hand_weights(drawings: Tensor, *, hand_weight: float) -> Tensor:
    """Let the surroundings of hands count more: a hand is two in a hundred pixels, and most of what is signed.

    From (B, 3, H, W) OpenPose drawings in [0, 1], whose hand joints are blue dots, to (B, 1, H, W): 1 but near hands.

    Example:
        >>> from torch import zeros
        >>> drawings = zeros(1, 3, 64, 64)
        >>> drawings[0, 2, 10, 10] = 1
        >>> hand_weights(drawings, hand_weight=5.0)[0, 0, 10, 6:11]
        tensor([1., 1., 5., 5., 5.])
    """
    dot = drawings.new_tensor(_DOT)[:, None, None]
    dots = ((drawings - dot).abs().amax(dim=1, keepdim=True) < _NEAR).to(drawings.dtype)
    reach = max(drawings.shape[-2:]) // _REACH
    near = functional.max_pool2d(dots, 2 * reach + 1, stride=1, padding=reach)
    return 1 + (hand_weight - 1) * near


class StrokeLoss(nn.Module):
    """The network together with its loss: one forward call, which data parallelism can wrap."""

    def __init__(self, network: StrokeUNet, *, dice_weight: float, hand_weight: float = 1.0) -> None:
        super().__init__()
        self.network, self.dice_weight, self.hand_weight = network, dice_weight, hand_weight

    def forward(self, conditions: Tensor, strokes: Tensor) -> Tensor:
        """Predict (B, 4, H, W) conditions and compare with (B, 1, H, W) strokes; scalar."""
        weights = hand_weights(conditions[:, :3], hand_weight=self.hand_weight)
        return stroke_loss(self.network(conditions), strokes, dice_weight=self.dice_weight, weights=weights)
