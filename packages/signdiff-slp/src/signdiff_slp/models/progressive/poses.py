"""Poses as the model sees them, hands relative to their wrists and every joint with unit spread, and their limbs."""

from __future__ import annotations

from functools import cache
from typing import Final, final

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import normalize

from signdiff_core.skeleton import BODY_HANDS_FACE, HEAD, NOSE, OPENPOSE50, Skeleton, outward

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
        """Standardise normalised coordinates, (..., 3 J)."""
        return (hands_to_wrists(poses, self.skeleton) - self.mean) / self.spread if self.enabled else poses

    def inverse(self, values: Tensor) -> Tensor:
        """Undo `forward`: (..., 3 J) normalised coordinates of standardised values."""
        return hands_from_wrists(values * self.spread + self.mean, self.skeleton) if self.enabled else values


def as_joints(values: Tensor) -> Tensor:
    """View (..., 3 J) values as (..., J, 3)."""
    return values.reshape(*values.shape[:-1], -1, 3)


def hands_to_wrists(poses: Tensor, skeleton: Skeleton = OPENPOSE50) -> Tensor:
    """Take hands relative to their wrists, and hands' wrists relative to the body's, in (..., 3 J) coordinates."""
    joints = as_joints(poses)
    moved = joints.clone()
    for start, stop, wrist in skeleton.hands:
        moved[..., start, :] = joints[..., start, :] - joints[..., wrist, :]
        moved[..., start + 1 : stop, :] = joints[..., start + 1 : stop, :] - joints[..., start : start + 1, :]
    return moved.flatten(-2)


def hands_from_wrists(values: Tensor, skeleton: Skeleton = OPENPOSE50) -> Tensor:
    """Undo `hands_to_wrists`."""
    joints = as_joints(values)
    moved = joints.clone()
    for start, stop, wrist in skeleton.hands:
        root = joints[..., start, :] + joints[..., wrist, :]
        moved[..., start, :] = root
        moved[..., start + 1 : stop, :] = joints[..., start + 1 : stop, :] + root.unsqueeze(-2)
    return moved.flatten(-2)


def bone_lengths(joints: Tensor, skeleton: Skeleton = OPENPOSE50) -> Tensor:
    """Measure the limbs of joints (..., J, 3): (..., number of limbs) in their unit, in the skeleton's order."""
    lengths: Tensor = torch.linalg.vector_norm(_limbs(joints, skeleton), dim=-1)
    return lengths


def bone_directions(joints: Tensor, skeleton: Skeleton = OPENPOSE50) -> Tensor:
    """Point along the limbs of joints (..., J, 3).

    Returns:
        (..., number of limbs, 3) unit vectors in the order of the skeleton's limbs; 0 for a limb without length.
    """
    return normalize(_limbs(joints, skeleton), dim=-1, eps=1e-6)


def with_bone_lengths(joints: Tensor, lengths: Tensor, skeleton: Skeleton = OPENPOSE50) -> Tensor:
    """Keep every limb's direction and give it the wanted length.

    Walks outwards from the root. A hand's first joint is put on the body's wrist.

    Args:
        joints: (..., J, 3).
        lengths: (number of limbs), in the unit of ``joints``, in the order of the skeleton's limbs.
        skeleton: what the joints are.

    Returns:
        (..., J, 3) of the same dtype. Joints that no limb connects with the root stay where they are, but for those of
        head and face, which go with the nose.
    """
    moved = list(joints.unbind(dim=-2))
    for number, near, far in _walk(skeleton):
        if number >= len(skeleton.limbs):
            moved[far] = moved[near]
            continue
        limb = joints[..., far, :] - joints[..., near, :]
        norm = torch.linalg.vector_norm(limb, dim=-1, keepdim=True).clamp(min=1e-9)
        moved[far] = moved[near] + limb * (lengths[number] / norm)
    if skeleton is BODY_HANDS_FACE:
        moved[HEAD.start :] = [point + moved[NOSE] - joints[..., NOSE, :] for point in moved[HEAD.start :]]
    return torch.stack(moved, dim=-2)


@cache
def _walk(skeleton: Skeleton) -> list[tuple[int, int, int]]:
    hands = [(wrist, start) for start, _, wrist in skeleton.hands]
    return outward([*skeleton.limbs, *hands], skeleton.root)


def _limbs(joints: Tensor, skeleton: Skeleton) -> Tensor:
    ends = torch.tensor(skeleton.limbs, device=joints.device).reshape(-1, 2)
    return joints[..., ends[:, 1], :] - joints[..., ends[:, 0], :]
