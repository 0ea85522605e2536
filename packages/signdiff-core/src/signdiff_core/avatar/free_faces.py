"""Faces that a corpus lacks: heads that turn and faces that move at random, within what faces do when people sign."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core import skeleton
from signdiff_core.anatomy.rotations import Array, about
from signdiff_core.avatar.body import AvatarBody, Motion
from signdiff_core.avatar.face import face_points

_PACE: Final = 8
"""Frames from one expression to the next."""

_REST: Final = 0.35
"""Share of the expressions of brows, eyes or mouth that are none."""

_MOUTH: Final = (
    {"jawOpen": (0.2, 0.8)},
    {"jawOpen": (0.1, 0.4), "mouthStretch": (0.3, 0.8)},
    {"mouthSmile": (0.3, 0.9), "jawOpen": (0.0, 0.3)},
    {"mouthFrown": (0.3, 0.8)},
    {"mouthPucker": (0.4, 0.9)},
    {"mouthFunnel": (0.3, 0.8), "jawOpen": (0.1, 0.4)},
    {"cheekPuff": (0.5, 1.0)},
    {"mouthPress": (0.4, 0.9), "mouthRollLower": (0.2, 0.6), "mouthRollUpper": (0.2, 0.6)},
    {"mouthUpperUp": (0.2, 0.6), "mouthLowerDown": (0.2, 0.6)},
)
_BROWS: Final = (
    {"browInnerUp": (0.4, 1.0), "browOuterUp": (0.4, 1.0)},
    {"browInnerUp": (0.4, 1.0)},
    {"browDown": (0.4, 1.0)},
)
_EYES: Final = ({"eyeWide": (0.3, 0.8)}, {"eyeSquint": (0.3, 0.9)})
_SIDES: Final = ("Left", "Right")
_UNEVEN: Final = 0.15
"""By how much the two sides of a face differ, as a share of the weight."""

_BLINKS: Final = 0.15
"""Share of the expressions in which the eyes are shut."""

_GAZE: Final = 0.6
"""Largest weight of a gaze."""

_NOD, _TURN, _TILT = (np.radians(degrees) for degrees in (7.0, 13.0, 6.0))
"""Standard deviations of a head's rotation; twice that is the most."""

_PIVOT: Final = 0.6
"""Where a head turns about, as a share of the way from the neck up to the nose."""


def free_faces(joints: NDArray[np.floating], rng: np.random.Generator) -> tuple[Array, Array, NDArray[np.float32]]:
    """Give joints (T, 50, 3), normalised, a head that turns and a face that moves at random.

    Brows, eyes, mouth, gaze and head go from one random expression to the next, each for itself.

    Returns:
        The joints with the nose where the head takes it (T, 50, 3); eyes, ears and face (T, 74, 3) as
        `signdiff_core.avatar.fit` takes them; and weights (T, S) in [0, 1] of the cast's face shapes, which the face
        shows.
    """
    body, frames = AvatarBody.named(), len(joints)
    head = _turns(frames, rng)
    shapes = _shapes(body.cast.shapes, frames, rng)
    still = np.tile(np.eye(3, dtype=np.float32), (frames, len(body.heads), 1, 1))
    face = face_points(Motion(body=body, turns=still, shapes=shapes)).astype(np.float64)
    made = np.array(joints, dtype=np.float64)
    nose = made[:, skeleton.NOSE] - made[:, skeleton.NECK]
    pivot = nose * [_PIVOT, _PIVOT, 0.0]
    made[:, skeleton.NOSE] = made[:, skeleton.NECK] + pivot + np.einsum("tij,tj->ti", head, nose - pivot)
    turned = np.einsum("tij,tnj->tni", head, face - body.joint_rest[skeleton.NOSE])
    return made, made[:, skeleton.NOSE, None] + turned, shapes


def _turns(frames: int, rng: np.random.Generator) -> Array:
    """Draw rotations (T, 3, 3) of a head."""
    spread = np.array([_NOD, _TURN, _TILT])
    angles = _between(np.clip(rng.normal(size=(_knots(frames), 3)), -2, 2) * spread, frames)
    nod, turn, tilt = (about(np.eye(3)[axis], angles[:, axis]) for axis in range(3))
    return turn @ nod @ tilt


def _shapes(names: tuple[str, ...], frames: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw weights (T, S) of face shapes."""
    weights = np.zeros((_knots(frames), len(names)))
    for knot in weights:
        for expressions in (_MOUTH, _BROWS, _EYES):
            if rng.random() < _REST:
                continue
            for name, bounds in expressions[rng.integers(len(expressions))].items():
                weight = rng.uniform(*bounds)
                for whole in [name] if name in names else [f"{name}{side}" for side in _SIDES]:
                    uneven = 1 - _UNEVEN * rng.random() * (whole != name)
                    knot[names.index(whole)] = weight * uneven
        if rng.random() < _BLINKS:
            knot[[names.index(f"eyeBlink{side}") for side in _SIDES]] = 1.0
        across, up = rng.uniform(-_GAZE, _GAZE, 2) * (rng.random() > _REST)
        for side, outwards in zip(_SIDES, (1, -1), strict=True):
            for way, weight in (("Out", across * outwards), ("In", -across * outwards), ("Up", up), ("Down", -up)):
                knot[names.index(f"eyeLook{way}{side}")] = max(weight, 0.0)
    return _between(weights, frames).astype(np.float32)


def _knots(frames: int) -> int:
    return frames // _PACE + 2


def _between(values: Array, frames: int) -> Array:
    """Go smoothly from each of the values (K, n) to the next, `_PACE` frames apart: (T, n)."""
    place = np.arange(frames) / _PACE
    first = place.astype(int)
    share = (1 - np.cos(np.pi * (place - first)))[:, None] / 2
    return np.asarray((1 - share) * values[first] + share * values[first + 1])
