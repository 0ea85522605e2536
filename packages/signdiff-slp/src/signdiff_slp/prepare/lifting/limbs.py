"""The tree of limbs: which joint hangs on which, which limbs share a bone length, and how long the picture shows it."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from signdiff_core.skeleton import (
    BODY_LIMBS,
    HAND_LIMBS,
    LEFT_HAND,
    LEFT_WRIST,
    NECK,
    NOSE,
    NUM_JOINTS,
    RIGHT_HAND,
    RIGHT_WRIST,
)


class Limb(NamedTuple):
    """A limb of the tree.

    Attributes:
        near: the joint on the side of the neck.
        far: the joint that the limb carries.
        bone: number of its length; left and right limbs have the same.
    """

    near: int
    far: int
    bone: int


_BODY_BONES: Final = (0, 1, 2, 3, 1, 2, 3)
_WRIST_BONE: Final = 4
_FIRST_HAND_BONE: Final = 5
_SHORTEST: Final = 1e-6


def _tree() -> tuple[Limb, ...]:
    limbs = [Limb(*pair, bone) for pair, bone in zip(BODY_LIMBS, _BODY_BONES, strict=True)]
    limbs[0] = Limb(NECK, NOSE, 0)
    for wrist, hand in ((LEFT_WRIST, LEFT_HAND.start), (RIGHT_WRIST, RIGHT_HAND.start)):
        limbs.append(Limb(wrist, hand, _WRIST_BONE))
        limbs += [Limb(hand + a, hand + b, _FIRST_HAND_BONE + bone) for bone, (a, b) in enumerate(HAND_LIMBS)]
    return tuple(limbs)


def _carrying(limbs: tuple[Limb, ...]) -> NDArray[np.float32]:
    matrix = np.zeros((len(limbs), NUM_JOINTS), dtype=np.float32)
    for number, limb in enumerate(limbs):
        matrix[:, limb.far] = matrix[:, limb.near]
        matrix[number, limb.far] = 1
    return matrix


LIMBS: Final = _tree()
"""The 49 limbs, every one after the one that carries it. The root is the neck."""

NUM_BONES: Final = 25
"""Bone lengths: head, shoulder, upper arm, forearm, wrist to hand, and the 20 of a hand."""

BONES: Final = np.array([limb.bone for limb in LIMBS])
"""(49,) the bone of each limb."""

CARRYING: Final = _carrying(LIMBS)
"""(49, 50) float32: 1 where the limb of the row lies on the way from the neck to the joint of the column."""


def log_bone_lengths(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Measure the bones of a clip: medians of the lengths of their limbs in the picture.

    A median is robust against what a detector invents. Of an even number of lengths, the lower middle one is taken.
    A limb that points at the viewer looks short, so a median is rather too short than too long.

    Args:
        points: (T, 50, 2) positions without gaps.

    Returns:
        (25,) natural logarithms of the lengths of `BONES`, in the unit of ``points``. A bone without length, as
        between a wrist and a hand's first joint that lies on it, counts as 1e-6 long.

    Source:
        Zelinka & Kanis, WACV 2020, and its published program.
    """
    near, far, _ = np.array(LIMBS).T
    lengths = np.linalg.norm(points[:, far] - points[:, near], axis=-1)
    medians = [np.quantile(lengths[:, bone == BONES], 0.5, method="lower") for bone in range(NUM_BONES)]
    return np.log(np.maximum(medians, _SHORTEST))
