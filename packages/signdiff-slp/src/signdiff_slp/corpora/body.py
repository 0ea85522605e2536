"""The one body that spells: its postures as bone directions, its bone lengths, and the 50 joints that come of both.

Nothing between two postures can stretch a bone. A hand's direction is kept relative to the forearm, and fingers
relative to the palm: a forearm that goes up takes the hand along, as in a body, and fingers close while the hand turns.

Lengths are in normalised units (shoulders 1/3 apart). Those of the right hand and of the upper arm are medians over the
clips' still frames, with depth scaled as `depth` found (``signdiff-slp corpus depth`` prints both). The forearm is
0.955 of the upper arm (de Leva 1996, table 4): the elbow is detected with a confidence of about one half, and a forearm
that points at the viewer is measured by its depth alone, which makes it longer than the upper arm.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from signdiff_core import skeleton
from signdiff_core.skeleton import HAND_LIMBS

_FORWARD: Final = np.array([0.0, 0.0, -1.0])
_PALM_INDEX, _PALM_MIDDLE, _PALM_RING, _PALM_LITTLE = 5, 9, 13, 17

NOSE_LENGTH: Final = 0.241
"""From neck to nose."""

UPPER_ARM_LENGTH: Final = 0.283
FOREARM_LENGTH: Final = 0.270
HAND_LENGTHS: Final = np.array(
    [
        *(0.0409, 0.0364, 0.0319, 0.0254),
        *(0.0960, 0.0462, 0.0299, 0.0225),
        *(0.0907, 0.0483, 0.0301, 0.0211),
        *(0.0878, 0.0444, 0.0252, 0.0196),
        *(0.0872, 0.0338, 0.0199, 0.0173),
    ]
)
"""Bones of a hand in the order of `HAND_LIMBS`: thumb, index, middle, ring, little finger."""

SHOULDER: Final = np.array([-skeleton.SHOULDER_WIDTH / 2, 0.0, 0.0])
"""The right shoulder."""

_REST_NOSE: Final = (-0.009, -0.196, -0.139)
_REST_UPPER_ARM: Final = (-0.16, 0.98, 0.06)
_REST_FOREARM: Final = (0.06, 0.95, -0.30)
_PALM_SPREAD: Final = (0.30, 0.10, -0.09, -0.28)
_CURL: Final = ((0.25, 0.30, 0.25), (0.32, 0.38, 0.28), (0.38, 0.42, 0.30), (0.42, 0.42, 0.30))


@dataclass(frozen=True, kw_only=True)
class Postures:
    """T frames of a signer's head, right arm and right hand, all directions of length 1.

    ``nose`` (T, 3) is from neck to nose, ``upper_arm`` from shoulder to elbow, ``forearm`` from elbow to wrist;
    ``palm`` (T, 3, 3) the rotation of the palm relative to the forearm; ``fingers`` (T, 20, 3) the bones of
    `HAND_LIMBS` in the palm's axes: index side, fingers' way, out of the palm.
    """

    nose: NDArray[np.float64]
    upper_arm: NDArray[np.float64]
    forearm: NDArray[np.float64]
    palm: NDArray[np.float64]
    fingers: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.nose)

    def __getitem__(self, frames: slice) -> Postures:
        return Postures(**{field.name: getattr(self, field.name)[frames] for field in fields(self)})

    def repeated(self, times: int) -> Postures:
        """Stand still: one frame, several times."""
        return Postures(**{field.name: np.repeat(getattr(self, field.name), times, axis=0) for field in fields(self)})


def concatenate(parts: Iterable[Postures]) -> Postures:
    """Put postures one after another."""
    parts = list(parts)
    return Postures(
        **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Postures)}
    )


def minimum_jerk(count: int) -> NDArray[np.float64]:
    """Make the way of a reaching movement from 0 to 1, ``count`` shares between its two ends (Flash and Hogan 1985).

    >>> minimum_jerk(1).tolist()
    [0.5]
    """
    t = np.arange(1, count + 1) / (count + 1)
    return np.asarray(t**3 * (10 - 15 * t + 6 * t**2))


def between(start: Postures, end: Postures, shares: NDArray[np.floating]) -> Postures:
    """Turn every bone from one posture to another, each along the shortest arc; (T,) shares are 0 at the start."""
    shares = np.asarray(shares, dtype=np.float64)
    turn = Rotation.from_matrix(start.palm[0].T @ end.palm[0]).as_rotvec()
    palm = start.palm[0] @ Rotation.from_rotvec(shares[:, None] * turn).as_matrix()
    return Postures(
        nose=_slerp(start.nose, end.nose, shares),
        upper_arm=_slerp(start.upper_arm, end.upper_arm, shares),
        forearm=_slerp(start.forearm, end.forearm, shares),
        palm=palm,
        fingers=_slerp(start.fingers, end.fingers, shares[:, None]),
    )


def forearm_axes(forearm: NDArray[np.floating]) -> NDArray[np.float64]:
    """Make axes (T, 3, 3) that follow a forearm (T, 3) without twisting: the shortest turn from pointing at the viewer.

    No forearm may point straight away from the viewer.
    """
    cross = np.cross(_FORWARD, forearm)
    cosine = forearm @ _FORWARD
    skew = np.zeros((len(forearm), 3, 3))
    skew[:, 0, 1], skew[:, 0, 2], skew[:, 1, 2] = -cross[:, 2], cross[:, 1], -cross[:, 0]
    skew -= skew.transpose(0, 2, 1)
    return np.asarray(np.eye(3) + skew + skew @ skew / (1 + cosine)[:, None, None])


def palm_axes(hand: NDArray[np.floating]) -> NDArray[np.float64]:
    """Find a right palm's axes from the knuckles of a hand (T, 21, 3): (T, 3, 3) rotations.

    Columns are the index finger's side, the fingers' way, and the way out of the palm.
    """
    wrist = hand[:, 0]
    along = unit(hand[:, _PALM_MIDDLE] + hand[:, _PALM_RING] - 2 * wrist)
    out = np.cross(hand[:, _PALM_INDEX] - wrist, hand[:, _PALM_LITTLE] - wrist)
    out = unit(out - np.sum(out * along, axis=-1, keepdims=True) * along)
    return np.stack([np.cross(along, out), along, out], axis=-1)


def limb_directions(hand: NDArray[np.floating]) -> NDArray[np.float64]:
    """Take the bones' directions (T, 20, 3) out of a hand's joints (T, 21, 3)."""
    ends = np.asarray(HAND_LIMBS)
    return unit(hand[:, ends[:, 1]] - hand[:, ends[:, 0]])


def place_hand(
    wrist: NDArray[np.floating], directions: NDArray[np.floating], lengths: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Build a hand's joints (T, 21, 3): wrist (T, 3), unit directions (T, 20, 3) of `HAND_LIMBS`, lengths (20,)."""
    joints = np.zeros((len(wrist), len(HAND_LIMBS) + 1, 3))
    joints[:, 0] = wrist
    for index, (parent, joint) in enumerate(HAND_LIMBS):
        joints[:, joint] = joints[:, parent] + lengths[index] * directions[:, index]
    return joints


def reach(
    target: NDArray[np.floating], hint: NDArray[np.floating], upper_length: float, forearm_length: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bend an arm so that the wrist is at (T, 3) ``target`` from the shoulder, the elbow towards (T, 3) ``hint``.

    Gives directions (T, 3) of upper arm and forearm. A target out of reach is reached for.
    """
    distance = np.linalg.norm(target, axis=-1, keepdims=True)
    line = target / distance
    distance = np.clip(distance, abs(upper_length - forearm_length) + 1e-6, upper_length + forearm_length - 1e-6)
    along = (distance**2 + upper_length**2 - forearm_length**2) / (2 * distance)
    aside = np.sqrt(np.maximum(upper_length**2 - along**2, 0.0))
    elbow = along * line + aside * unit(hint - np.sum(hint * line, axis=-1, keepdims=True) * line)
    return elbow / upper_length, unit(distance * line - elbow)


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Scale vectors (..., 3) to length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), dtype=np.float64)


def _slerp(start: NDArray[np.floating], end: NDArray[np.floating], shares: NDArray[np.floating]) -> NDArray[np.float64]:
    angle = np.arccos(np.clip(np.sum(start * end, axis=-1), -1.0, 1.0))
    sine = np.maximum(np.sin(angle), 1e-9)
    a = np.where(angle < 1e-6, 1 - shares, np.sin((1 - shares) * angle) / sine)
    b = np.where(angle < 1e-6, shares, np.sin(shares * angle) / sine)
    return unit(a[..., None] * start + b[..., None] * end)


def rest() -> Postures:
    """Make one frame of a signer at rest: arms hanging, hands relaxed, palms towards the thighs."""
    forearm = unit(np.array([_REST_FOREARM]))
    palm_in_space = np.array([[0.0, 0.05, 1.0], [0.0, 1.0, -0.05], [-1.0, 0.0, 0.0]])
    return Postures(
        nose=unit(np.array([_REST_NOSE])),
        upper_arm=unit(np.array([_REST_UPPER_ARM])),
        forearm=forearm,
        palm=forearm_axes(forearm).transpose(0, 2, 1) @ _orthonormal(palm_in_space)[None],
        fingers=relaxed_fingers()[None],
    )


def relaxed_fingers() -> NDArray[np.float64]:
    """Make the bones of a relaxed right hand, slightly curled: (20, 3) unit directions, as `Postures` has them."""
    bones = [(0.75, 0.60, 0.30), (0.50, 0.80, 0.32), (0.35, 0.88, 0.32), (0.22, 0.92, 0.32)]  # the thumb
    for spread, curl in zip(_PALM_SPREAD, _CURL, strict=True):
        bones.append((spread, 1.0, 0.0))
        bend = 0.0
        for joint in curl:
            bend += joint
            bones.append((0.4 * spread, float(np.cos(bend)), float(np.sin(bend))))
    return unit(np.array(bones))


def joints_from(postures: Postures) -> NDArray[np.float64]:
    """Build the 50 joints, (T, 50, 3) normalised, of head, right arm and right hand; the left arm is at rest."""
    joints = np.zeros((len(postures), skeleton.NUM_JOINTS, 3))
    joints[:, skeleton.NOSE] = NOSE_LENGTH * postures.nose
    joints[:, skeleton.NECK] = 0.0
    _place_right_arm(joints, postures)

    left = np.zeros((1, skeleton.NUM_JOINTS, 3))
    _place_right_arm(left, rest())
    mirror = np.array([-1.0, 1.0, 1.0])
    for part in ("SHOULDER", "ELBOW", "WRIST", "HAND"):
        target, source = getattr(skeleton, f"LEFT_{part}"), getattr(skeleton, f"RIGHT_{part}")
        joints[:, target] = left[:, source] * mirror
    return joints


def rest_pose() -> NDArray[np.float32]:
    """Make the pose in which every spelling starts and ends, both arms hanging: (50, 3) normalised, float32."""
    return np.asarray(joints_from(rest())[0], dtype=np.float32)


def wrists(postures: Postures) -> NDArray[np.float64]:
    """Tell where the right wrist is, (T, 3) from the right shoulder."""
    return UPPER_ARM_LENGTH * postures.upper_arm + FOREARM_LENGTH * postures.forearm


def _place_right_arm(joints: NDArray[np.float64], postures: Postures) -> None:
    elbow = SHOULDER + UPPER_ARM_LENGTH * postures.upper_arm
    wrist = SHOULDER + wrists(postures)
    axes = forearm_axes(postures.forearm) @ postures.palm
    directions = postures.fingers @ axes.transpose(0, 2, 1)
    joints[:, skeleton.RIGHT_SHOULDER] = SHOULDER
    joints[:, skeleton.RIGHT_ELBOW] = elbow
    joints[:, skeleton.RIGHT_WRIST] = wrist
    joints[:, skeleton.RIGHT_HAND] = place_hand(wrist, directions, HAND_LENGTHS)


def _orthonormal(axes: NDArray[np.float64]) -> NDArray[np.float64]:
    along = unit(axes[:, 1])
    out = unit(np.cross(axes[:, 0], along))
    return np.stack([np.cross(along, out), along, out], axis=-1)
