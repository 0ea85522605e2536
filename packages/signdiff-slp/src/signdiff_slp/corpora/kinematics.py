"""A signer's posture as bone directions, so that nothing between two postures can stretch a bone.

A hand's direction is kept relative to the forearm, and fingers relative to the palm: a forearm that goes up takes the
hand along, as in a body, and fingers close while the hand turns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from signdiff_core.skeleton import HAND_LIMBS

_FORWARD: Final = np.array([0.0, 0.0, -1.0])
_PALM_INDEX, _PALM_MIDDLE, _PALM_RING, _PALM_LITTLE = 5, 9, 13, 17


@dataclass(frozen=True, kw_only=True)
class Postures:
    """T frames of a signer's head, right arm and right hand, all directions of length 1.

    Attributes:
        nose: (T, 3) from neck to nose.
        upper_arm: (T, 3) from shoulder to elbow.
        forearm: (T, 3) from elbow to wrist.
        palm: (T, 3, 3) rotation of the palm relative to the forearm.
        fingers: (T, 20, 3) the bones of `HAND_LIMBS` in the palm's axes: index side, fingers' way, out of the palm.
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

    Example:
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
    """Find a right palm's axes from the knuckles of a hand (T, 21, 3).

    Returns:
        (T, 3, 3) rotations; columns are the index finger's side, the fingers' way, and the way out of the palm.
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
    """Bend an arm so that the wrist is where it shall be (two bones, the elbow towards a hint).

    Args:
        target: (T, 3) wrist, from the shoulder.
        hint: (T, 3) about where the elbow is, from the shoulder.
        upper_length: from shoulder to elbow.
        forearm_length: from elbow to wrist.

    Returns:
        Directions (T, 3) of upper arm and forearm. A target out of reach is reached for.
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
