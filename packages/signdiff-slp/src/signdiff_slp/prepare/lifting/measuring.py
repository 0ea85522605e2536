"""What is measured in the picture before the search: the unit, what fills the gaps, and the bones of the limbs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from signdiff_core import skeleton
from signdiff_core.skeleton import HAND_LIMBS, NECK, NOSE, NUM_JOINTS

ENOUGH: Final = 0.99
"""Sum of weights that a window needs, as published."""

NEARBY: Final = 12
"""Frames over which a point is believed to stay where it is seen next."""


class Limb(NamedTuple):
    """A limb: the joint on the side of the neck, the one that it carries, and its bone, the same left and right."""

    near: int
    far: int
    bone: int


_BODY_BONES: Final = (0, 1, 2, 3, 1, 2, 3)
_WRIST_BONE: Final = 4
_FIRST_HAND_BONE: Final = 5
_SHORTEST: Final = 1e-6


def _tree() -> tuple[Limb, ...]:
    limbs = [Limb(*pair, bone) for pair, bone in zip(skeleton.BODY_LIMBS, _BODY_BONES, strict=True)]
    limbs[0] = Limb(NECK, NOSE, 0)
    for side in ("LEFT", "RIGHT"):
        wrist, hand = getattr(skeleton, f"{side}_WRIST"), getattr(skeleton, f"{side}_HAND").start
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


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """What takes a clip's pixels to mean 0 and, over all coordinates, deviation 1.

    ``unit`` is the standard deviation of all values, of x and of y, round their common mean. So it depends a little on
    where in the picture the signer is.
    """

    centre: NDArray[np.float64]
    unit: float

    @classmethod
    def of(cls, points: NDArray[np.floating]) -> Scaling:
        """Measure a clip, (T, 50, 2) pixels, absent joints included, as published.

        >>> scaling = Scaling.of(np.array([[[0.0, 10.0], [4.0, 14.0]]]))
        >>> scaling.centre.tolist(), round(scaling.unit, 3)
        ([2.0, 12.0], 5.385)
        """
        points = points.astype(np.float64)
        return cls(centre=points.mean(axis=(0, 1)), unit=float(points.std()))

    def apply(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Scale points (..., 2)."""
        return np.asarray((points - self.centre) / self.unit)

    def undo(self, joints: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring joints (..., 3) back to pixels; depth gets the same unit and keeps its zero."""
        return np.asarray(joints * self.unit + np.append(self.centre, 0.0))


def interpolate(points: NDArray[np.floating], weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """Take the weighted mean of each point, (T, J, D), over as few frames as have enough weight (T, J) together.

    The window of a frame grows by one frame on both sides at a time, until its weights sum up to `ENOUGH` or it is the
    clip. So a certain point stays as it is, and one without weight comes from its neighbours in time. Some frame of
    each joint has more weight than 0. Source: Zelinka & Kanis, WACV 2020, and its published program.

    >>> points, weights = np.array([0.0, 5.0, 3.0]), np.array([1.0, 0.0, 0.5])
    >>> interpolate(points.reshape(3, 1, 1), weights.reshape(3, 1)).ravel().tolist()
    [0.0, 1.0, 1.0]
    """
    T = len(points)
    weight = _running_sum(weights[..., None].astype(np.float64))
    moment = _running_sum(weights[..., None].astype(np.float64) * points)
    result = np.empty(points.shape)
    frames, joints = (each.ravel() for each in np.indices(weights.shape))
    for reach in range(T):
        first, after = np.maximum(frames - reach, 0), np.minimum(frames + reach + 1, T)
        total = weight[after, joints] - weight[first, joints]
        # Rounding of running sums must not make a point that is alone just enough uncertain.
        done = (total[:, 0] > ENOUGH - 1e-9) | (reach == T - 1)
        where = frames[done], joints[done]
        result[where] = (moment[after, joints] - moment[first, joints])[done] / total[done]
        if reach == 0:
            result[where] = points[where]
        frames, joints = frames[~done], joints[~done]
        if not len(frames):
            break
    return result


def seen_nearby(weights: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Tell which points, by weights (T, J), are seen, however uncertainly, within `NEARBY` frames before or after.

    >>> seen_nearby(np.eye(1, 30)[0].reshape(30, 1)).sum()
    np.int64(13)
    """
    T = len(weights)
    seen = _running_sum((weights > 0).astype(np.float64))
    frames = np.arange(T)
    return np.asarray(seen[np.minimum(frames + NEARBY + 1, T)] > seen[np.maximum(frames - NEARBY, 0)])


def _running_sum(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])


def log_bone_lengths(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Measure the bones of a clip, (T, 50, 2) without gaps: logarithms (25,) of median lengths in the picture.

    A median is robust against what a detector invents. Of an even number of lengths, the lower middle one is taken.
    A limb that points at the viewer looks short, so a median is rather too short than too long. A bone without length,
    as between a wrist and a hand's first joint that lies on it, counts as 1e-6 long. Source: as of `interpolate`.
    """
    near, far, _ = np.array(LIMBS).T
    lengths = np.linalg.norm(points[:, far] - points[:, near], axis=-1)
    medians = [np.quantile(lengths[:, bone == BONES], 0.5, method="lower") for bone in range(NUM_BONES)]
    return np.log(np.maximum(medians, _SHORTEST))
