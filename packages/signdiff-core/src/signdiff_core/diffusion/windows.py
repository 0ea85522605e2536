"""Where frames are looked at closely: windows around hands and face that follow them smoothly through a clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from signdiff_core.anatomy.rotations import smoothed
from signdiff_core.camera import Camera
from signdiff_core.skeleton import LEFT_HAND, NECK, NOSE, RIGHT_HAND

Part = Literal["hands", "face"]
"""What can be drawn in detail."""

_MARGIN: Final = 0.035
"""How far the flesh of a hand, and what is around it, reaches beyond its joints, normalised units."""

_HEAD: Final = (0.11, 0.16, 0.10)
"""How far a head reaches from its nose aside, upwards and downwards, normalised units."""

_CALM: Final = 2.0
"""Frames over which windows are smoothed."""

_SHORT: Final = 6
"""Hands that part, or meet, for fewer frames are taken as if they had not."""

_ROOM: Final = 1.15
"""How much larger a window is than what it must show: it follows smoothly, so not at once."""


@dataclass(frozen=True)
class Window:
    """A square of a frame: its left and top edge, and its side, in pixels."""

    left: int
    top: int
    side: int


def windows_of(
    positions: NDArray[np.floating],
    seen: NDArray[np.floating],
    *,
    camera: Camera,
    size: tuple[int, int],
    parts: Sequence[Part],
    step: int,
) -> list[list[Window]]:
    """Find the windows of every frame, those that are drawn last at the end.

    Hands that meet are in one window. All windows of a hand, of both hands or of the face are equally large, so that
    nothing changes its sharpness; edges are multiples of `step`, as far as the frame is one.

    Args:
        positions: (T, J, 2 or 3) normalised coordinates of all frames; the first 50 are looked at.
        seen: (T, J); 0 where a joint is absent.
        camera: what shows them.
        size: width and height of the frames in pixels.
        parts: "hands", "face" or both.
        step: pixels.

    Returns:
        Up to three windows for each frame.
    """
    points = np.array(camera.project(np.asarray(positions[:, :50, :2], dtype=np.float64), size))
    points[~(np.asarray(seen)[:, :50] > 0)] = np.nan
    unit = np.array(camera.scales(size)) * size
    boxes = {}
    if "face" in parts:
        boxes["face"] = _head_boxes(points, unit)
    if "hands" in parts:
        left, right = (_boxes(points[:, hand], _MARGIN * unit) for hand in (LEFT_HAND, RIGHT_HAND))
        met = _steady(_meet(left, right))
        both = np.concatenate([np.fmin(left, right)[:, :2], np.fmax(left, right)[:, 2:]], axis=1)
        apart = np.where(met, np.nan, 1.0)[:, None]
        boxes |= {"left": left * apart, "right": right * apart, "both": np.where(met[:, None], both, np.nan)}
    found: list[list[Window]] = [[] for _ in points]
    sides = _sides(boxes, size, step)
    for name, own in boxes.items():
        for frame, window in enumerate(_windows(own, size, sides.get(name, 0), step)):
            if window is not None:
                found[frame].append(window)
    return found


def check_parts(parts: object) -> tuple[Part, ...]:
    """Give what is to be drawn in detail, as a tuple; ValueError for what is none of it."""
    known = get_args(Part)
    given = (parts,) if isinstance(parts, str) else parts
    if not isinstance(given, tuple | list) or not all(part in known for part in given):
        raise ValueError(f"detail must hold {' or '.join(map(repr, known))}, or nothing, but is {parts!r}.")
    return tuple(dict.fromkeys(given))


def _boxes(points: NDArray[np.float64], margin: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the boxes (T, 4), left, top, right, bottom, of points (T, K, 2) with a margin, NaN without two."""
    boxes = np.full((len(points), 4), np.nan)
    there = np.isfinite(points).all(axis=-1).sum(axis=1) > 1
    boxes[there, :2] = np.nanmin(points[there], axis=1) - margin
    boxes[there, 2:] = np.nanmax(points[there], axis=1) + margin
    return boxes


def _head_boxes(points: NDArray[np.float64], unit: NDArray[np.float64]) -> NDArray[np.float64]:
    aside, up, down = _HEAD
    nose = np.where(np.isfinite(points[:, NECK]), points[:, NOSE], np.nan)
    return np.concatenate([nose - np.array([aside, up]) * unit, nose + np.array([aside, down]) * unit], axis=1)


def _meet(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell in which frames (T,) two boxes overlap."""
    with np.errstate(invalid="ignore"):
        return np.asarray(((one[:, :2] < other[:, 2:]) & (other[:, :2] < one[:, 2:])).all(axis=1))


def _steady(states: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Take over, for short stretches between two long ones, the state around them."""
    steady, start = states.copy(), 0
    for state, run in groupby(states.tolist()):
        length = len(list(run))
        if start > 0 and start + length < len(states) and length < _SHORT:
            steady[start : start + length] = not state
        start += length
    return steady


def _sides(boxes: dict[str, NDArray[np.float64]], size: tuple[int, int], step: int) -> dict[str, int]:
    """Give the windows' sides: one for both hands that are apart."""
    most = min(size) // step * step
    needed = {
        name: float(np.nanmax(np.maximum(own[:, 2] - own[:, 0], own[:, 3] - own[:, 1])))
        for name, own in boxes.items()
        if np.isfinite(own).any()
    }
    hands = max((needed[name] for name in ("left", "right") if name in needed), default=0.0)
    needed |= {name: hands for name in ("left", "right") if name in needed}
    return {name: min(most, step * int(np.ceil(_ROOM * side / step))) for name, side in needed.items()}


def _windows(boxes: NDArray[np.float64], size: tuple[int, int], side: int, step: int) -> list[Window | None]:
    """Lay windows around boxes (T, 4), NaN where there is none, in frames of a width and height."""
    there: NDArray[np.bool_] = np.asarray(np.isfinite(boxes).all(axis=1))
    if not there.any() or not side:
        return [None] * len(boxes)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    calm = smoothed(middle, _CALM)
    slack = np.maximum(side - (boxes[:, 2:] - boxes[:, :2]), 0) / 2
    middle = np.clip(calm, middle - slack, middle + slack)
    found: list[Window | None] = []
    for here, corner, (left, top, right, bottom) in zip(there, middle - side / 2, boxes, strict=True):
        outside = not here or right <= 0 or bottom <= 0 or left >= size[0] or top >= size[1]
        if outside:
            found.append(None)
            continue
        x, y = (
            min(max(step * round(place / step), 0), (whole - side) // step * step)
            for place, whole in zip(corner.tolist(), size, strict=True)
        )
        found.append(Window(x, y, side))
    return found
