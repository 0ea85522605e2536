"""What a body's arms are: their joints, about which axes fingers bend, and where a thumb goes among them."""

from __future__ import annotations

from typing import Final

import numpy as np

from signdiff_core import skeleton
from signdiff_core.anatomy.arm import HAND, Arm, palm_size
from signdiff_core.anatomy.rotations import Array, dot, unit
from signdiff_core.avatar.body import AvatarBody

SIDES: Final = {
    "L": (skeleton.LEFT_SHOULDER, skeleton.LEFT_ELBOW, skeleton.LEFT_WRIST, skeleton.LEFT_HAND.start),
    "R": (skeleton.RIGHT_SHOULDER, skeleton.RIGHT_ELBOW, skeleton.RIGHT_WRIST, skeleton.RIGHT_HAND.start),
}
"""Of each side's arm, its joints among the 50: shoulder, elbow, wrist and the first of the hand."""

_NEAR: Final = 0.03
"""How near, in normalised units, another joint must be to say where a joint of the thumb goes."""

_LIFT: Final = (0.003, 0.006, 0.009)
"""How far off the palm a thumb's three joints are lifted: the palm has flesh, which the data's joints do not tell."""


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


def thumb_goals(seen: Array, own: Array, arm: Arm) -> Array:
    """Tell where the thumb's upper joints go so that it lies to palm and fingers as the data's thumb does.

    A thumb is known by what it touches. Where its root lies differs between hands and between trackers, so directions
    alone would bury it in the palm or miss the fingers: each of its joints goes where its nearest neighbours among the
    other joints say. `seen` (T, 21, 3) are the data's joints, in any scale, NaN where unknown, `own` the body's as its
    fingers are now, both from the wrist and as the palm is at rest. Returns goals (T, 3, 3) of the same kind.
    """
    rest = arm.rest[HAND] - arm.rest[HAND.start]
    knuckles, mine = seen[:, 5:21:4], rest[5:21:4]
    size = np.nanmedian(palm_size(seen)) if np.isfinite(seen[:, 5:18:4]).any() else 1.0
    scaled = (seen - knuckles.mean(axis=1, keepdims=True)) * (arm.palm_size / size) + mine.mean(axis=0)
    thumb, others = scaled[:, 2:5], scaled[:, 5:]
    away = np.linalg.norm(thumb[:, :, None] - others[:, None], axis=-1)
    weight = np.exp(-((away / _NEAR) ** 2)) + 0.02 * (np.arange(16) % 4 == 0)
    pull = np.einsum("tjk,tkc->tjc", weight, own[:, 5:] - others) / weight.sum(axis=-1, keepdims=True)
    palmwards = np.cross(arm.axes[arm.knuckle[2]], unit(rest[10] - rest[9]))
    return thumb + pull + np.array(_LIFT)[:, None] * palmwards  # type: ignore[no-any-return]
