"""Poses that a corpus lacks: both arms anywhere in the signing space, with the hand shapes that the corpus has."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core import skeleton
from signdiff_core.anatomy.rotations import Array, about, apply, basis, swing, unit

_RIGHT: Final = (skeleton.RIGHT_SHOULDER, skeleton.RIGHT_ELBOW, skeleton.RIGHT_WRIST, skeleton.RIGHT_HAND)
_LEFT: Final = (skeleton.LEFT_SHOULDER, skeleton.LEFT_ELBOW, skeleton.LEFT_WRIST, skeleton.LEFT_HAND)
_MIRROR: Final = np.array([-1.0, 1.0, 1.0])

SPACE: Final = ((-0.30, 0.28), (-0.34, 0.34), (-0.42, -0.16))
"""Where a right wrist goes, from the neck: x from outside to across the chest, y from the brow to the belt, z before
the chest; in units of three shoulder widths."""

_UPPER, _FORE = 0.30, 0.27
_HANGS: Final = 0.2


def free_arms(joints: NDArray[np.floating], rng: np.random.Generator) -> tuple[Array, Array]:
    """Give every frame of joints (T, 50, 3), normalised, a random pose of both arms; an arm in five hangs.

    The shape of each hand is the right hand's of some frame, mirrored for the left; it keeps its bend at the wrist, but
    for a random roll of the forearm and a random bend. Elbows point outwards and down, as they do. Returns joints (T,
    50, 3), each frame independent of the others, and confidences (T, 50): 0 where an arm hangs.
    """
    made = np.array(joints, dtype=np.float64)
    confidence = np.ones(made.shape[:2])
    for frame in made:
        tilt = about(unit(rng.normal(size=3)), np.asarray(rng.normal() * np.radians(6)))
        frame[skeleton.NOSE] = frame[skeleton.NECK] + apply(tilt, frame[skeleton.NOSE] - frame[skeleton.NECK])
    for arm, mirror in ((_RIGHT, np.ones(3)), (_LEFT, _MIRROR)):
        shoulder, elbow, wrist, hand = arm
        shapes = rng.integers(len(made), size=len(made))
        for number, shape in enumerate(shapes):
            if rng.random() < _HANGS:
                confidence[number, [elbow, wrist, *range(hand.start, hand.stop)]] = 0
                continue
            start = made[number, shoulder] * mirror
            upper, fore, fingers = _arm(start, np.asarray(joints[shape], dtype=np.float64), rng)
            made[number, elbow] = (start + upper) * mirror
            made[number, wrist] = (start + upper + fore) * mirror
            made[number, hand] = (start + upper + fore + fingers) * mirror
    return made, confidence


def _arm(shoulder: Array, pose: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Draw a right arm: upper arm (3,), forearm (3,) and the hand's joints (21, 3) from the wrist."""
    reach = np.array([rng.uniform(*bounds) for bounds in SPACE]) - shoulder
    distance = float(np.clip(np.linalg.norm(reach), 0.12, 0.98 * (_UPPER + _FORE)))
    towards = unit(reach)
    # The law of cosines: how far the elbow lies from the line to the wrist.
    along = (_UPPER**2 - _FORE**2 + distance**2) / (2 * distance)
    aside = np.sqrt(max(_UPPER**2 - along**2, 0.0))
    outwards = np.array([-rng.uniform(0.1, 1.0), 1.0, rng.uniform(-0.2, 0.4)])
    upper = along * towards + aside * basis(towards, outwards)[:, 0]
    fore = distance * towards - upper

    seen = unit(pose[skeleton.RIGHT_WRIST] - pose[skeleton.RIGHT_ELBOW])
    ahead = unit(fore)
    bend = about(unit(rng.normal(size=3)), np.asarray(rng.normal() * np.radians(20)))
    roll = about(ahead, np.asarray(rng.uniform(-1.3, 1.3)))
    fingers = pose[skeleton.RIGHT_HAND] - pose[skeleton.RIGHT_HAND.start]
    return upper, fore, apply(bend @ roll @ swing(seen, ahead), fingers)
