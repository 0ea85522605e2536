"""Puts joints on constant bone lengths, so that a regressed hand does not shrink."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import normalize

from signdiff_core.skeleton import LEFT_HAND, LEFT_WRIST, LIMBS, NECK, NOSE, NUM_JOINTS, RIGHT_HAND, RIGHT_WRIST

_WRISTS: Final = ((LEFT_HAND, LEFT_WRIST), (RIGHT_HAND, RIGHT_WRIST))


def bone_lengths(joints: Tensor) -> Tensor:
    """Measure the skeleton's limbs.

    Args:
        joints: (..., 50, 3).

    Returns:
        (..., number of limbs) in the unit of ``joints``, in the order of ``LIMBS``.
    """
    ends = torch.tensor(LIMBS, device=joints.device)
    lengths: Tensor = torch.linalg.vector_norm(joints[..., ends[:, 1], :] - joints[..., ends[:, 0], :], dim=-1)
    return lengths


def bone_directions(joints: Tensor) -> Tensor:
    """Point along the skeleton's limbs.

    Args:
        joints: (..., 50, 3).

    Returns:
        (..., number of limbs, 3) unit vectors in the order of ``LIMBS``; 0 for a limb without length.
    """
    ends = torch.tensor(LIMBS, device=joints.device)
    limbs: Tensor = joints[..., ends[:, 1], :] - joints[..., ends[:, 0], :]
    return normalize(limbs, dim=-1, eps=1e-6)


def with_bone_lengths(joints: Tensor, lengths: Tensor) -> Tensor:
    """Keep every limb's direction and give it the wanted length.

    Walks outwards from the neck. A hand's wrist joint is put on the body's wrist.

    Args:
        joints: (..., 50, 3).
        lengths: (number of limbs), in the unit of ``joints``, in the order of ``LIMBS``.

    Returns:
        (..., 50, 3) of the same dtype.
    """
    moved: list[Tensor | None] = [None] * NUM_JOINTS
    moved[NECK] = joints[..., NECK, :]
    for number, (first, second) in enumerate(LIMBS):
        parent, child = (second, first) if first == NOSE else (first, second)
        for hand, wrist in _WRISTS:
            if parent == hand.start:
                moved[parent] = moved[wrist]
        start = moved[parent]
        if start is None:
            raise AssertionError(f"limb {number} comes before its parent joint {parent}")
        limb = joints[..., child, :] - joints[..., parent, :]
        norm = torch.linalg.vector_norm(limb, dim=-1, keepdim=True).clamp(min=1e-9)
        moved[child] = start + limb * (lengths[number] / norm)
    return torch.stack([joint for joint in moved if joint is not None], dim=-2)
