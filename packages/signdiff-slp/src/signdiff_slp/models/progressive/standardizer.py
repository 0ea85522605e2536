"""The scale on which the model sees poses: hands relative to their wrists, every joint with unit spread."""

from __future__ import annotations

from typing import Final, final

import torch
from torch import Tensor
from torch.nn import Module

from signdiff_core.skeleton import LEFT_HAND, LEFT_WRIST, LIMBS, NUM_JOINTS, RIGHT_HAND, RIGHT_WRIST

MIN_SPREAD: Final = 0.004
"""The smallest spread that a joint is divided by, in shoulder widths times 1/3: about a millimetre and a half per
hundred of hand length. Joints that never move would otherwise have their measurement noise blown up."""


@final
class PoseStandardizer(Module):
    """Maps poses to standardised values and back.

    In absolute coordinates the fingers' movement is small beside the arm's, and a loss on them would neglect the
    shape of the hand. So the 21 joints of each hand are taken relative to that hand's wrist, and the hand's wrist
    relative to the body's wrist (a fixed linear map), before every joint is divided by its own spread over the corpus,
    pooled over x, y and z.

    The statistics are persistent buffers: they travel with the weights.

    Args:
        enabled: False leaves values as they are, in both directions; the rest pose and bone lengths are kept.
    """

    mean: Tensor
    spread: Tensor
    rest: Tensor
    bone_lengths: Tensor

    def __init__(self, *, enabled: bool = True) -> None:
        super().__init__()
        self.enabled = enabled
        dim = 3 * NUM_JOINTS
        self.register_buffer("mean", torch.empty(dim))
        self.register_buffer("spread", torch.empty(dim))
        self.register_buffer("rest", torch.empty(dim))
        self.register_buffer("bone_lengths", torch.empty(len(LIMBS)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Make the map the identity but for the hands' origin."""
        with torch.no_grad():
            self.mean.zero_()
            self.spread.fill_(1.0)
            self.rest.zero_()
            self.bone_lengths.zero_()

    def forward(self, poses: Tensor) -> Tensor:
        """Standardise.

        Args:
            poses: (..., 150) normalised coordinates.

        Returns:
            (..., 150) standardised values.
        """
        return (hands_to_wrists(poses) - self.mean) / self.spread if self.enabled else poses

    def inverse(self, values: Tensor) -> Tensor:
        """Undo `forward`.

        Args:
            values: (..., 150) standardised values.

        Returns:
            (..., 150) normalised coordinates.
        """
        return hands_from_wrists(values * self.spread + self.mean) if self.enabled else values


def as_joints(values: Tensor) -> Tensor:
    """View (..., 150) values as (..., 50, 3)."""
    return values.reshape(*values.shape[:-1], NUM_JOINTS, 3)


def hands_to_wrists(poses: Tensor) -> Tensor:
    """Take hands (..., 150) relative to their wrists, and hands' wrists relative to the body's.

    Args:
        poses: (..., 150) normalised coordinates.

    Returns:
        (..., 150) of the same dtype.
    """
    joints = as_joints(poses)
    parts = [joints[..., : LEFT_HAND.start, :]]
    for hand, wrist in ((LEFT_HAND, LEFT_WRIST), (RIGHT_HAND, RIGHT_WRIST)):
        root = joints[..., hand.start : hand.start + 1, :]
        parts += [root - joints[..., wrist : wrist + 1, :], joints[..., hand.start + 1 : hand.stop, :] - root]
    return torch.cat(parts, dim=-2).flatten(-2)


def hands_from_wrists(values: Tensor) -> Tensor:
    """Undo `hands_to_wrists`.

    Args:
        values: (..., 150) as that function returns them.

    Returns:
        (..., 150) normalised coordinates.
    """
    joints = as_joints(values)
    parts = [joints[..., : LEFT_HAND.start, :]]
    for hand, wrist in ((LEFT_HAND, LEFT_WRIST), (RIGHT_HAND, RIGHT_WRIST)):
        root = joints[..., hand.start : hand.start + 1, :] + joints[..., wrist : wrist + 1, :]
        parts += [root, joints[..., hand.start + 1 : hand.stop, :] + root]
    return torch.cat(parts, dim=-2).flatten(-2)
