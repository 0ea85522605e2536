"""Poses that a corpus lacks: both arms anywhere in the signing space, or as signs have them, with its hand shapes.

`free_arms` moves each arm for itself. `signing_arms` has both hands before the body, where they cross, touch each other
and the face, and rest.
"""

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

_BEFORE: Final = ((-0.24, 0.10), (-0.22, 0.22), (-0.36, -0.14))
"""Where right wrists are when people sign, as `SPACE`."""

_AT_REST: Final = ((-0.16, 0.02), (0.22, 0.34), (-0.24, -0.14))
"""Where they are between sentences: low, before the belly."""

_FACE: Final = ((-0.09, 0.09), (-0.12, 0.10), (-0.04, 0.0))
"""Places of a face, from its nose."""

_KINDS: Final = {"apart": 0.36, "together": 0.24, "at the face": 0.2, "one": 0.12, "at rest": 0.08}
"""How often hands are where."""

_ROLL, _TURNED = 1.3, 2.2
"""How far a forearm turns at most from the way that it has while spelling, radians."""

_NEAR: Final = 0.02
"""How far the joints of two hands that touch are apart at most."""


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
            place, own = _drawn(SPACE, rng), np.asarray(joints[shape], dtype=np.float64)
            _put(made[number], arm, mirror, _arm(made[number, shoulder] * mirror, place, own, rng, _ROLL))
    return made, confidence


def signing_arms(joints: NDArray[np.floating], rng: np.random.Generator) -> tuple[Array, Array]:
    """Give every frame of joints (T, 50, 3), normalised, a random pose of both arms as signs have them.

    Hands are before the body, each for itself; or one touches the other, or the face, with any of its joints; or one
    hangs, or both rest before the belly. Shapes are the right hand's of some frame, palms face every way. Returns
    joints (T, 50, 3), each frame independent of the others, and confidences (T, 50): 0 where an arm hangs.
    """
    made = np.array(joints, dtype=np.float64)
    confidence = np.ones(made.shape[:2])
    source = np.asarray(joints, dtype=np.float64)
    for frame, known in zip(made, confidence, strict=True):
        kind = rng.choice(list(_KINDS), p=list(_KINDS.values()))
        sides = [(_RIGHT, np.ones(3)), (_LEFT, _MIRROR)]
        if rng.random() < 0.3:
            sides.reverse()
        space = _AT_REST if kind == "at rest" else _BEFORE
        for (shoulder, elbow, wrist, hand), mirror in sides:
            own = source[rng.integers(len(source))]
            limbs = _arm(frame[shoulder] * mirror, _drawn(space, rng), own, rng, _TURNED)
            _put(frame, (shoulder, elbow, wrist, hand), mirror, limbs)
        (_, elbow, wrist, hand), (*_, other) = sides[1][0], sides[0][0]
        if kind == "one":
            known[[elbow, wrist, *range(hand.start, hand.stop)]] = 0
        elif kind in ("together", "at the face"):
            touching = frame[rng.integers(hand.start, hand.stop)]
            if kind == "together":
                goal = frame[rng.integers(other.start, other.stop)] + rng.uniform(-_NEAR, _NEAR, 3)
            else:
                goal = frame[skeleton.NOSE] + _drawn(_FACE, rng)
            _move(frame, *sides[1], goal - touching)
    return made, confidence


def _drawn(space: tuple[tuple[float, float], ...], rng: np.random.Generator) -> Array:
    return np.array([rng.uniform(*bounds) for bounds in space])


def _put(frame: Array, arm: tuple[int, int, int, slice], mirror: Array, limbs: tuple[Array, Array, Array]) -> None:
    """Put a right arm, as of `_arm`, into a frame (50, 3), mirrored for the left."""
    shoulder, elbow, wrist, hand = arm
    upper, fore, fingers = limbs
    start = frame[shoulder] * mirror
    frame[elbow] = (start + upper) * mirror
    frame[wrist] = (start + upper + fore) * mirror
    frame[hand] = (start + upper + fore + fingers) * mirror


def _move(frame: Array, arm: tuple[int, int, int, slice], mirror: Array, way: Array) -> None:
    """Move a hand of a frame (50, 3), and its arm along, unless no arm reaches so far."""
    shoulder, elbow, wrist, hand = arm
    start, fingers = frame[shoulder], frame[hand] - frame[wrist]
    reach = frame[wrist] + way - start
    if not 0.12 < np.linalg.norm(reach) < 0.98 * (_UPPER + _FORE):
        return
    upper = _elbow(reach * mirror, (frame[elbow] - start) * mirror)
    _put(frame, arm, mirror, (upper, reach * mirror - upper, fingers * mirror))


def _elbow(reach: Array, outwards: Array) -> Array:
    """Find the upper arm (3,) of an arm that reaches so far, bent to where `outwards` points."""
    distance = float(np.linalg.norm(reach))
    towards = unit(reach)
    # The law of cosines: how far the elbow lies from the line to the wrist.
    along = (_UPPER**2 - _FORE**2 + distance**2) / (2 * distance)
    aside = np.sqrt(max(_UPPER**2 - along**2, 0.0))
    return np.asarray(along * towards + aside * basis(towards, outwards)[:, 0])


def _arm(
    shoulder: Array, place: Array, pose: Array, rng: np.random.Generator, turned: float
) -> tuple[Array, Array, Array]:
    """Draw a right arm: upper arm (3,), forearm (3,) and the hand's joints (21, 3) from the wrist.

    The wrist goes to `place`, the forearm is `turned` by that many radians at most.
    """
    reach = place - shoulder
    distance = float(np.clip(np.linalg.norm(reach), 0.12, 0.98 * (_UPPER + _FORE)))
    outwards = np.array([-rng.uniform(0.1, 1.0), 1.0, rng.uniform(-0.2, 0.4)])
    upper = _elbow(distance * unit(reach), outwards)
    fore = distance * unit(reach) - upper

    seen = unit(pose[skeleton.RIGHT_WRIST] - pose[skeleton.RIGHT_ELBOW])
    ahead = unit(fore)
    bend = about(unit(rng.normal(size=3)), np.asarray(rng.normal() * np.radians(20)))
    roll = about(ahead, np.asarray(rng.uniform(-turned, turned)))
    fingers = pose[skeleton.RIGHT_HAND] - pose[skeleton.RIGHT_HAND.start]
    return upper, fore, apply(bend @ roll @ swing(seen, ahead), fingers)
