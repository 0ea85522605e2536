"""What the predictor is trained for: the probability of a stroke at each pixel, and the overlap of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

    from signdiff_frnet.training.network import StrokeUNet


def stroke_loss(logits: Tensor, strokes: Tensor, *, dice_weight: float) -> Tensor:
    """Binary cross-entropy, and the soft Dice loss (Milletari et al. 2016) of the strokes.

    Both are means over samples, so that the mean over processes is the loss of all samples together.

    Args:
        logits: (B, 1, H, W).
        strokes: (B, 1, H, W), 1 on the strokes, 0 elsewhere.
        dice_weight: weight of the Dice loss; strokes cover a small part of a map, which cross-entropy alone forgets.

    Returns:
        Scalar.

    Example:
        >>> from torch import tensor, zeros
        >>> half = stroke_loss(zeros(1, 1, 1, 2), tensor([[[[1.0, 0.0]]]]), dice_weight=0.0)
        >>> round(half.item(), 4)  # log 2
        0.6931
    """
    logits = logits.float()
    cross_entropy = functional.binary_cross_entropy_with_logits(logits, strokes)
    chances = logits.sigmoid()
    shared = (chances * strokes).sum(dim=(1, 2, 3))
    # One pixel more, so that maps without strokes have a loss too.
    dice = (2 * shared + 1) / (chances.sum(dim=(1, 2, 3)) + strokes.sum(dim=(1, 2, 3)) + 1)
    loss: Tensor = cross_entropy + dice_weight * (1 - dice).mean()
    return loss


class StrokeLoss(nn.Module):
    """The network together with its loss: one forward call, which data parallelism can wrap.

    Args:
        network: gives logits.
        dice_weight: see `stroke_loss`.
    """

    def __init__(self, network: StrokeUNet, *, dice_weight: float) -> None:
        super().__init__()
        self.network, self.dice_weight = network, dice_weight

    def forward(self, conditions: Tensor, strokes: Tensor) -> Tensor:
        """Predict (B, 4, H, W) conditions and compare with (B, 1, H, W) strokes; scalar."""
        return stroke_loss(self.network(conditions), strokes, dice_weight=self.dice_weight)
