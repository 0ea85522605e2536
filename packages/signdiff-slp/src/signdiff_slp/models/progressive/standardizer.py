"""The scale on which the model sees poses: hands relative to their wrists, every joint with unit spread."""

from __future__ import annotations

from typing import Final, final

import torch
from torch import Tensor
from torch.nn import Module

from signdiff_core.skeleton import OPENPOSE50, Skeleton

MIN_SPREAD: Final = 0.004
"""The smallest spread that a joint is divided by, in shoulder widths times 1/3: about a millimetre and a half per
hundred of hand length. Joints that never move would otherwise have their measurement noise blown up."""


@final
class PoseStandardizer(Module):
    """Maps poses to standardised values and back.

    In absolute coordinates the fingers' movement is small beside the arm's, and a loss on them would neglect the
    shape of the hand. So the joints of each hand are taken relative to that hand's wrist, and the hand's wrist
    relative to the body's wrist (a fixed linear map), before every joint is divided by its own spread over the corpus,
    pooled over x, y and z.

    The statistics are persistent buffers: they travel with the weights.

    Args:
        skeleton: what the joints are.
        enabled: False leaves values as they are, in both directions; the rest pose and bone lengths are kept.
    """

    mean: Tensor
    spread: Tensor
    rest: Tensor
    bone_lengths: Tensor

    def __init__(self, skeleton: Skeleton = OPENPOSE50, *, enabled: bool = True) -> None:
        super().__init__()
        self.skeleton = skeleton
        self.enabled = enabled
        dim = 3 * skeleton.num_joints
        self.register_buffer("mean", torch.empty(dim))
        self.register_buffer("spread", torch.empty(dim))
        self.register_buffer("rest", torch.empty(dim))
        self.register_buffer("bone_lengths", torch.empty(len(skeleton.limbs)))
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
            poses: (..., 3 J) normalised coordinates.

        Returns:
            (..., 3 J) standardised values.
        """
        return (hands_to_wrists(poses, self.skeleton) - self.mean) / self.spread if self.enabled else poses

    def inverse(self, values: Tensor) -> Tensor:
        """Undo `forward`.

        Args:
            values: (..., 3 J) standardised values.

        Returns:
            (..., 3 J) normalised coordinates.
        """
        return hands_from_wrists(values * self.spread + self.mean, self.skeleton) if self.enabled else values


def as_joints(values: Tensor) -> Tensor:
    """View (..., 3 J) values as (..., J, 3)."""
    return values.reshape(*values.shape[:-1], -1, 3)


def hands_to_wrists(poses: Tensor, skeleton: Skeleton = OPENPOSE50) -> Tensor:
    """Take hands relative to their wrists, and hands' wrists relative to the body's.

    Args:
        poses: (..., 3 J) normalised coordinates.
        skeleton: what the joints are.

    Returns:
        (..., 3 J) of the same dtype.
    """
    joints = as_joints(poses)
    moved = joints.clone()
    for start, stop, wrist in skeleton.hands:
        moved[..., start, :] = joints[..., start, :] - joints[..., wrist, :]
        moved[..., start + 1 : stop, :] = joints[..., start + 1 : stop, :] - joints[..., start : start + 1, :]
    return moved.flatten(-2)


def hands_from_wrists(values: Tensor, skeleton: Skeleton = OPENPOSE50) -> Tensor:
    """Undo `hands_to_wrists`.

    Args:
        values: (..., 3 J) as that function returns them.
        skeleton: what the joints are.

    Returns:
        (..., 3 J) normalised coordinates.
    """
    joints = as_joints(values)
    moved = joints.clone()
    for start, stop, wrist in skeleton.hands:
        root = joints[..., start, :] + joints[..., wrist, :]
        moved[..., start, :] = root
        moved[..., start + 1 : stop, :] = joints[..., start + 1 : stop, :] + root.unsqueeze(-2)
    return moved.flatten(-2)
