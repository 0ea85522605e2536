"""The tree of limbs: which joint hangs on which, and which limbs share a bone length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

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

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
