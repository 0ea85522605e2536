"""How good a clip is: what was seen of it, whether its body is one, whether it trembles, whether anything moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from signdiff_core.skeleton import LIMBS, SHOULDER_WIDTH, limb_lengths
from signdiff_core.video.reading import read_video

STILL: Final = 0.02
"""Least movement of a signer: how far some joint goes from its mean place, in shoulder widths, as a standard deviation.
A repeated picture has none, and a detector adds up to a hundredth; a single fingerspelled letter has a tenth."""

_SIDE: Final = 64
_GREY: Final = 6
"""Least change of a video, at a side of 64 pixels: compression alone makes about two levels of grey."""


@dataclass(frozen=True, kw_only=True)
class Quality:
    """The scores of a clip.

    ``observed`` is the share of its joints that the detector saw. ``bone_deviation`` tells how far its limbs are from
    the usual ones: the mean over limbs of |ln(length / usual length)|. 0.1 is a tenth; a hand that was taken for
    another body's makes 1 and more. ``jitter`` is the mean acceleration of its joints, in shoulder widths per squared
    frame. Movement makes it, too; what trembles makes more.
    """

    observed: float
    bone_deviation: float
    jitter: float


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the scores of a clip must keep to, or it is left out. The default lets all pass."""

    min_observed: float = 0.0
    max_bone_deviation: float = np.inf
    max_jitter: float = np.inf

    def broken(self, quality: Quality) -> str:
        """Say which limit a clip breaks; nothing if it keeps to all.

        >>> Limits(max_jitter=0.1).broken(Quality(observed=1.0, bone_deviation=0.0, jitter=0.25))
        'jitter must be at most 0.1, but is 0.25'
        """
        if quality.observed < self.min_observed:
            return f"observed must be at least {self.min_observed:g}, but is {quality.observed:.3g}"
        for name in ("bone_deviation", "jitter"):
            most, found = getattr(self, f"max_{name}"), getattr(quality, name)
            if found > most:
                return f"{name} must be at most {most:g}, but is {found:.3g}"
        return ""


def bone_lengths(joints: NDArray[np.floating]) -> NDArray[np.float64]:
    """Measure limbs: (T, 50, 3) normalised to their median lengths over time, (49,), in shoulder widths."""
    lengths = np.median(limb_lengths(joints, LIMBS), axis=0) / SHOULDER_WIDTH
    return np.asarray(lengths, dtype=np.float64)


def jitter(joints: NDArray[np.floating]) -> float:
    """Measure the mean acceleration of (T, 50, 3) normalised joints, in shoulder widths per squared frame."""
    if len(joints) < 3:
        return 0.0
    second = joints[2:].astype(np.float64) - 2 * joints[1:-1] + joints[:-2]
    return float(np.linalg.norm(second, axis=-1).mean()) / SHOULDER_WIDTH


def bone_deviations(lengths: Sequence[NDArray[np.float64]]) -> list[float]:
    """Compare the limbs of clips, as `bone_lengths` gives them, with the median limbs of all: each clip's deviation.

    Limbs that have no length in one of the two are passed over.
    """
    if not lengths:
        return []
    usual = np.median(np.stack(lengths), axis=0)
    deviations = []
    for each in lengths:
        has = (each > 0) & (usual > 0)
        deviations.append(float(np.abs(np.log(each[has] / usual[has])).mean()) if has.any() else 0.0)
    return deviations


def movement(joints: NDArray[np.floating]) -> float:
    """Measure the joint of (T, 50, 3) that moves most, as the standard deviation of its place, in shoulder widths."""
    spread = joints.astype(np.float64).std(axis=0)
    return float(np.linalg.norm(spread, axis=-1).max()) / SHOULDER_WIDTH


def is_still(people: NDArray[np.floating]) -> bool:
    """Tell whether what a detector saw, (T, P, J, 3) with 0 where absent, stays where it is.

    It does if, of the first person, every joint that several frames have moves less than `STILL` of a third of the
    person's height.
    """
    points, seen = people[:, 0, :, :2].astype(np.float64), people[:, 0, :, 2] > 0
    often = seen.sum(axis=0) > 1
    if not often.any():
        return len(people) < 2
    points = np.where(seen[..., None], points, np.nan)[:, often]
    spread = np.linalg.norm(np.nanstd(points, axis=0), axis=-1).max()
    size = (np.nanmax(points, axis=(0, 1)) - np.nanmin(points, axis=(0, 1))).max() / 3
    return bool(spread <= STILL * size)


def is_still_video(path: Path) -> bool:
    """Tell whether the pictures of a video are one picture; an error if it is broken or cannot be read."""
    first: NDArray[np.int16] | None = None
    for frame in read_video(path):
        small = cv2.resize(frame, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.int16)
        first = small if first is None else first
        if np.abs(small - first).max() >= _GREY:
            return False
    return True
