"""Where the hands and the head are in a frame: for crops, weights and measurements."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from signdiff_core.camera import Camera
from signdiff_core.skeleton import LEFT_HAND, NECK, NOSE, RIGHT_HAND

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom are excluded."""


def hand_boxes(
    joints: NDArray[np.floating], size: int, *, margin: float = 0.03, camera: Camera | None = None
) -> list[Box]:
    """Find the rectangles around the hands of joints (50, 3), normalised, NaN where absent, in a square frame.

    Up to two boxes (left hand, right hand) around the joints that are there, wider by `margin` (a share of the frame's
    side) on every side, cut to the frame; hands of which less than 8x8 pixels are inside, or that are absent (fewer
    than two joints, or all at one point), are left out.

    Example:
        >>> import numpy as np
        >>> joints = np.zeros((50, 3))
        >>> joints[29:, 0] = np.linspace(-0.1, 0, 21)
        >>> hand_boxes(joints, 100)
        [(39, 44, 57, 51)]
    """
    camera = camera or Camera()
    boxes = []
    for hand in (LEFT_HAND, RIGHT_HAND):
        points = camera.project(joints[hand], size)
        points = points[np.isfinite(points).all(axis=1)]
        if len(points) < 2 or np.ptp(points, axis=0).max() < 1:
            continue
        low = np.clip(np.floor(points.min(axis=0) - margin * size), 0, size).astype(int)
        high = np.clip(np.ceil(points.max(axis=0) + margin * size), 0, size).astype(int)
        if (high - low).min() >= min(8, size // 20):
            boxes.append((int(low[0]), int(low[1]), int(high[0]), int(high[1])))
    return boxes


def head_box(joints: NDArray[np.floating], size: int, *, camera: Camera | None = None) -> Box | None:
    """Find the rectangle around the head with its hair, from nose and neck of joints (50, 3), normalised.

    It is cut to the frame; None if nothing of it is in the frame, or nose or neck are absent.

    Example:
        >>> import numpy as np
        >>> joints = np.zeros((50, 3))
        >>> joints[0, 1] = -0.2  # the nose, above the neck
        >>> head_box(joints, 100)
        (40, 0, 68, 36)
    """
    nose, neck = (camera or Camera()).project(joints[[NOSE, NECK]], size)
    if not np.isfinite([nose, neck]).all():
        return None
    unit = float(np.hypot(*(nose - neck)))
    low = np.clip(np.floor(nose - unit * np.array([0.55, 1.1])), 0, size).astype(int)
    high = np.clip(np.ceil(nose + unit * np.array([0.55, 0.5])), 0, size).astype(int)
    return (int(low[0]), int(low[1]), int(high[0]), int(high[1])) if (high > low).all() else None


def box_mask(boxes: Iterable[Box], size: int) -> NDArray[np.bool_]:
    """Mark what lies in boxes, in pixels or cells of a grid over the frame: (size, size) bool."""
    mask = np.zeros((size, size), dtype=np.bool_)
    for left, top, right, bottom in boxes:
        mask[top:bottom, left:right] = True
    return mask


def crop_around(
    point: tuple[float, float], side: int, size: int, *, step: int = 1, jitter: tuple[float, float] = (0.0, 0.0)
) -> tuple[int, int]:
    """Place a square crop around a point (x, y), inside the frame: its (left, top), all in pixels.

    The corner is a multiple of `step`; `jitter` shifts the crop along x and y, as a share of its side.

    Example:
        >>> crop_around((200, 10), 128, 256, step=4)
        (128, 0)
    """
    left, top = (
        int(np.clip(center + shift * side - side / 2, 0, size - side)) // step * step
        for center, shift in zip(point, jitter, strict=True)
    )
    return left, top
