"""Hands in images: the box round one, and how far its key points lie from the reference's."""

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from signdiff_eval import _checks
from signdiff_eval.functional.image import WINDOW, Box

SCALE: Final = 1.5
"""How many times as wide a hand's box is as its key points."""


def hand_box(keypoints: ArrayLike, shape: tuple[int, ...], *, scale: float = SCALE) -> Box | None:
    """Draw a square round a hand's key points.

    Args:
        keypoints: (K, 2) x and y in pixels; NaN, or masked, where a point wasn't detected.
        shape: the frame's, height and width first.
        scale: side of the square relative to the larger extent of the points.

    Returns:
        Left, top, right, bottom, cut to the frame: at least 11 pixels a side, moved inwards for that where the frame
        ends. ``None`` where no key point lies within the frame, or the frame is smaller than that.

    Raises:
        ValueError: another shape, an infinity, or a scale that isn't positive and finite.

    Example:
        >>> hand_box([[40.0, 30.0], [60.0, 50.0]], (100, 100, 3))
        (35, 25, 65, 55)
        >>> hand_box([[np.nan, np.nan]], (100, 100)) is None
        True
    """
    points = _points("keypoints", keypoints, ndim=2, axes="(K, 2)")
    if not 0 < scale < math.inf:
        raise ValueError(f"scale must be positive and finite, but is {scale}.")
    height, width = shape[:2]
    points = points[np.isfinite(points).all(axis=1)]
    within = (points >= 0).all(axis=1) & (points < (width, height)).all(axis=1)
    if not within.any() or min(height, width) < WINDOW:
        return None
    low, high = points.min(axis=0), points.max(axis=0)
    half = max(scale * float((high - low).max()), WINDOW) / 2
    centre = (low + high) / 2
    starts = np.floor(centre - half + 0.5).astype(int)
    stops = np.floor(centre + half + 0.5).astype(int)
    left, right = _within(int(starts[0]), int(stops[0]), width)
    top, bottom = _within(int(starts[1]), int(stops[1]), height)
    return left, top, right, bottom


def hand_pose(hypothesis: ArrayLike, reference: ArrayLike) -> float:
    """Average the distance between key points that were detected in both.

    Args:
        hypothesis: (..., K, 2) x and y in pixels, such as (T, 2, 21, 2) for two hands; NaN where a point wasn't
            detected.
        reference: the same shape.

    Returns:
        The mean Euclidean distance in pixels.

    Raises:
        ValueError: shapes that differ or aren't such, an infinity, or not one point detected in both.

    Example:
        >>> reference = np.zeros((2, 21, 2))
        >>> hypothesis = np.full((2, 21, 2), np.nan)
        >>> hypothesis[0] = 3.0, 4.0  # the other hand is not detected
        >>> hand_pose(hypothesis, reference)
        5.0
    """
    total, points = hand_pose_statistics(hypothesis, reference)
    if not points:
        raise ValueError("hypothesis and reference must have at least one key point detected in both, but have none.")
    return total / points


def hand_pose_statistics(hypothesis: ArrayLike, reference: ArrayLike) -> tuple[float, int]:
    """Compute what a score adds up over frames: the summed distance and the number of points."""
    made = _points("hypothesis", hypothesis, ndim=0, axes="(..., K, 2)")
    true = _points("reference", reference, ndim=0, axes="(..., K, 2)")
    if made.shape != true.shape:
        raise ValueError(f"hypothesis and reference must have the same shape, but have {made.shape} and {true.shape}.")
    distances = np.linalg.norm(made - true, axis=-1)
    both = np.isfinite(distances)
    return float(distances[both].sum()), int(both.sum())


def _points(name: str, values: ArrayLike, *, ndim: int, axes: str) -> NDArray[np.float64]:
    array = _checks.nan_where_masked(name, values)
    if array.ndim < 2 or (ndim and array.ndim != ndim) or array.shape[-1] != 2:
        raise ValueError(f"{name} must have the shape {axes}, but has {array.shape}.")
    return array


def _within(start: int, stop: int, size: int) -> tuple[int, int]:
    start, stop = max(start, 0), min(stop, size)
    if stop - start < WINDOW:
        start = min(max(min(start, stop - WINDOW), 0), size - WINDOW)
        stop = start + WINDOW
    return start, stop
