"""Where the search for an arm's angles starts: the arm along its limbs, the palm as it lies, the fingers loose."""

from __future__ import annotations

from typing import Final

import numpy as np

from signdiff_core.anatomy.arm import (
    ELBOW,
    ELBOW_BEND,
    FOREARM_TWIST,
    FREE,
    HAND,
    WRIST,
    WRIST_BEND,
    WRIST_DEVIATION,
    Arm,
)
from signdiff_core.anatomy.rotations import Array, about, apply, basis, dot, nearest_rotation, swing, transpose, unit
from signdiff_core.anatomy.solving import Posture

METACARPALS: Final = np.array([(0, 5), (0, 9), (0, 13), (0, 17), (17, 5)])
"""Pairs of a hand's joints that tell how its palm lies."""

_WEIGHTS: Final = np.array([1.0, 1.0, 1.0, 1.0, 1.5])


def start(arm: Arm, joints: Array) -> Posture:
    """Guess the angles of an arm from its joints (T, 24, 3), all of them finite, in any scale."""
    upper, fore = unit(joints[:, ELBOW] - joints[:, 0]), unit(joints[:, WRIST] - joints[:, ELBOW])
    frames = len(joints)
    angles = np.tile(arm.usual, (frames, 1))
    angles[:, :FREE] = 0
    hinge_rest, upper_rest, fore_rest = arm.axes[ELBOW_BEND], arm.upper, arm.fore
    plain = swing(np.broadcast_to(upper_rest, upper.shape), upper)
    base = basis(upper, np.cross(upper, fore) + 0.15 * apply(plain, hinge_rest)) @ basis(upper_rest, hinge_rest).T
    local = apply(transpose(base), fore)
    angles[:, ELBOW_BEND] = np.arctan2(local @ np.cross(hinge_rest, fore_rest), local @ fore_rest)

    forearm = base @ about(np.broadcast_to(hinge_rest, upper.shape), angles[:, ELBOW_BEND])
    palm = transpose(forearm) @ palm_turn(arm, joints)
    axes = np.stack([fore_rest, arm.lateral, np.cross(fore_rest, arm.lateral)], axis=1)
    palm = axes.T @ palm @ axes
    angles[:, FOREARM_TWIST] = np.unwrap(np.arctan2(-palm[:, 1, 2], palm[:, 2, 2]))
    angles[:, WRIST_BEND] = np.arcsin(np.clip(palm[:, 0, 2], -1, 1))
    angles[:, WRIST_DEVIATION] = np.arctan2(-palm[:, 0, 1], palm[:, 0, 0])
    return Posture(angles=np.clip(angles, arm.low, arm.high), base=base)


def palm_turn(arm: Arm, joints: Array) -> Array:
    """Find the turn (T, 3, 3) of the palm against its rest, from an arm's joints (T, 24, 3)."""
    first, second = (joints[:, HAND][:, METACARPALS[:, end]] for end in (0, 1))
    rest = arm.rest[HAND]
    wanted = unit(rest[METACARPALS[:, 1]] - rest[METACARPALS[:, 0]])
    bones = second - first
    weights = np.where(dot(bones, bones) > 0, _WEIGHTS, 0.0)
    return nearest_rotation(np.broadcast_to(wanted, bones.shape), np.nan_to_num(unit(bones)), weights)
