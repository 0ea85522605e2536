"""What the predictor is trained for: the probability of a stroke at each pixel, and the overlap of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

    from signdiff_frnet.training.network import StrokeUNet

_DOT: Final = (0.0, 0.0, 1.0)
"""Colour of a hand's joints in OpenPose drawings."""

_NEAR: Final = 0.3
_REACH: Final = 32
"""The surroundings reach so many-th of the longer side from a joint."""


def stroke_loss(logits: Tensor, strokes: Tensor, *, dice_weight: float, weights: Tensor | None = None) -> Tensor:
    """Binary cross-entropy, and the soft Dice loss (Milletari et al. 2016) of the strokes.

    Both are means over samples, so that the mean over processes is the loss of all samples together.

    Args:
        logits: (B, 1, H, W).
        strokes: (B, 1, H, W), 1 on the strokes, 0 elsewhere.
        dice_weight: weight of the Dice loss; strokes cover a small part of a map, which cross-entropy alone forgets.
        weights: (B, 1, H, W), how much each pixel counts; all alike if not given.

    Returns:
        Scalar.

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

    Args:
        drawings: (B, 3, H, W) OpenPose drawings in [0, 1], whose hand joints are blue dots.
        hand_weight: of a pixel near one; 1 elsewhere.

    Returns:
        (B, 1, H, W).

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
    """The network together with its loss: one forward call, which data parallelism can wrap.

    Args:
        network: gives logits.
        dice_weight: see `stroke_loss`.
        hand_weight: see `hand_weights`.
    """

    def __init__(self, network: StrokeUNet, *, dice_weight: float, hand_weight: float = 1.0) -> None:
        super().__init__()
        self.network, self.dice_weight, self.hand_weight = network, dice_weight, hand_weight

    def forward(self, conditions: Tensor, strokes: Tensor) -> Tensor:
        """Predict (B, 4, H, W) conditions and compare with (B, 1, H, W) strokes; scalar."""
        weights = hand_weights(conditions[:, :3], hand_weight=self.hand_weight)
        return stroke_loss(self.network(conditions), strokes, dice_weight=self.dice_weight, weights=weights)
