"""Where the search for directions starts: every limb aims at the joint that it carries."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from signdiff_core.skeleton import NECK
from signdiff_slp.prepare.lifting.limbs import LIMBS

_LEAST_DEPTH: Final = 0.1
"""Of a direction at the start. One that lies across the line of sight could not find its way out of it."""


def aim(targets: Tensor, lengths: Tensor) -> Tensor:
    """Turn limbs so that, from the neck outwards, each reaches its joint in the picture, if it is long enough.

    A limb longer than its distance to the joint points at the viewer by as much as makes it look that short. One that
    is too short lies across the line of sight and ends on the way.

    Args:
        targets: (2, B, T, 50) positions in the picture.
        lengths: (B, 1, 49) lengths of the limbs, in the same unit.

    Returns:
        (3, B, T, 49) directions, not quite of length 1; depth is negative, towards the viewer.
    """
    reached = {NECK: targets[..., NECK]}
    directions = torch.empty(3, *targets.shape[1:3], len(LIMBS), device=targets.device)
    for number, limb in enumerate(LIMBS):
        wanted = (targets[..., limb.far] - reached[limb.near]) / lengths[..., number]
        across = wanted / torch.linalg.vector_norm(wanted, dim=0).clamp(min=1)
        reached[limb.far] = reached[limb.near] + across * lengths[..., number]
        directions[:2, ..., number] = across
        directions[2, ..., number] = -(1 - across.square().sum(dim=0)).clamp(min=_LEAST_DEPTH**2).sqrt()
    return directions
