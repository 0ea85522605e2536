"""Puts joints on constant bone lengths, so that a regressed hand does not shrink."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import normalize

from signdiff_core.skeleton import OPENPOSE50, Skeleton, outward


def bone_lengths(joints: Tensor, skeleton: Skeleton = OPENPOSE50) -> Tensor:
    """Measure the skeleton's limbs.

    Args:
        joints: (..., J, 3).
        skeleton: what the joints are.

    Returns:
        (..., number of limbs) in the unit of ``joints``, in the order of the skeleton's limbs.
    """
    lengths: Tensor = torch.linalg.vector_norm(_limbs(joints, skeleton), dim=-1)
    return lengths


def bone_directions(joints: Tensor, skeleton: Skeleton = OPENPOSE50) -> Tensor:
    """Point along the skeleton's limbs.

    Args:
        joints: (..., J, 3).
        skeleton: what the joints are.

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
        (..., J, 3) of the same dtype. Joints that no limb connects with the root stay where they are.
    """
    moved = list(joints.unbind(dim=-2))
    for number, near, far in _walk(skeleton):
        if number >= len(skeleton.limbs):
            moved[far] = moved[near]
            continue
        limb = joints[..., far, :] - joints[..., near, :]
        norm = torch.linalg.vector_norm(limb, dim=-1, keepdim=True).clamp(min=1e-9)
        moved[far] = moved[near] + limb * (lengths[number] / norm)
    return torch.stack(moved, dim=-2)


@cache
def _walk(skeleton: Skeleton) -> list[tuple[int, int, int]]:
    hands = [(wrist, start) for start, _, wrist in skeleton.hands]
    return outward([*skeleton.limbs, *hands], skeleton.root)


def _limbs(joints: Tensor, skeleton: Skeleton) -> Tensor:
    ends = torch.tensor(skeleton.limbs, device=joints.device).reshape(-1, 2)
    return joints[..., ends[:, 1], :] - joints[..., ends[:, 0], :]
