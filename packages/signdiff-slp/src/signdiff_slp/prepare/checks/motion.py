"""Clips in which nothing moves: a picture that was repeated, or a signer who was never there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from signdiff_core.skeleton import SHOULDER_WIDTH
from signdiff_core.video import read_video

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

STILL: Final = 0.02
"""Least movement of a signer: how far some joint goes from its mean place, in shoulder widths, as a standard deviation.
A repeated picture has none, and a detector adds up to a hundredth; a single fingerspelled letter has a tenth."""

_SIDE: Final = 64
_GREY: Final = 6
"""Least change of a video, at a side of 64 pixels: compression alone makes about two levels of grey."""


def movement(joints: NDArray[np.floating]) -> float:
    """Measure the joint that moves most, as the standard deviation of its place, in shoulder widths.

    Args:
        joints: (T, 50, 3) normalised coordinates.
    """
    spread = joints.astype(np.float64).std(axis=0)
    return float(np.linalg.norm(spread, axis=-1).max()) / SHOULDER_WIDTH


def is_still(people: NDArray[np.floating]) -> bool:
    """Tell whether what a detector saw stays where it is.

    Args:
        people: (T, P, J, 3) of x, y and confidence; 0 where absent.

    Returns:
        Whether, of the first person, every joint that several frames have moves less than `STILL` of a third of the
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
    """Tell whether the pictures of a video are one picture.

    Raises:
        VideoError: it is broken.
        OSError: it cannot be read.
    """
    first: NDArray[np.int16] | None = None
    for frame in read_video(path):
        small = cv2.resize(frame, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.int16)
        first = small if first is None else first
        if np.abs(small - first).max() >= _GREY:
            return False
    return True
