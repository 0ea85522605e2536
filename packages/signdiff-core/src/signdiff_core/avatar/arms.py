"""What a body's arms are: their joints, and about which axes fingers bend."""

from __future__ import annotations

from typing import Final

import numpy as np

from signdiff_core import skeleton
from signdiff_core.anatomy.arm import Arm
from signdiff_core.anatomy.rotations import Array, dot, unit
from signdiff_core.avatar.body import AvatarBody

SIDES: Final = {
    "L": (skeleton.LEFT_SHOULDER, skeleton.LEFT_ELBOW, skeleton.LEFT_WRIST, skeleton.LEFT_HAND.start),
    "R": (skeleton.RIGHT_SHOULDER, skeleton.RIGHT_ELBOW, skeleton.RIGHT_WRIST, skeleton.RIGHT_HAND.start),
}
"""Of each side's arm, its joints among the 50: shoulder, elbow, wrist and the first of the hand."""


def arm_of(body: AvatarBody, side: str) -> Arm:
    """Take an arm, "L" or "R", of a body at rest."""
    *joints, hand = SIDES[side]
    rest = body.joint_rest.astype(np.float64)
    return Arm.of(np.concatenate([rest[joints], rest[hand : hand + 21]]), hinges(body, side))


def hinges(body: AvatarBody, side: str) -> Array:
    """Give the rest axes about which the finger bones of a side, "L" or "R", bend, thumb first: (5, 3) unit vectors.

    A positive angle closes the hand.
    """
    names = [f"finger{finger}-{2 if finger == 1 else 1}.{side}" for finger in range(1, 6)]
    axes = body.axes[[body.bone(name) for name in names], :, 0].astype(np.float64)
    start = 8 if side == "L" else 29
    bones = unit(np.diff(body.joint_rest[start + 1 : start + 21].astype(np.float64).reshape(5, 4, 3), axis=1))
    closing = dot(np.cross(bones[:, 0], bones[:, 2]), axes)
    return axes * np.sign(closing)[:, None]
