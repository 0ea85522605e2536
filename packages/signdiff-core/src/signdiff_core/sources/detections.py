"""What a detector saw in a clip: all people of all frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from signdiff_core.formats.coordinates import LARGEST, outside
from signdiff_core.formats.files import FormatError

MAX_FRAMES: Final = 100_000
"""Most frames of a clip that are read: more than an hour."""

DEFAULT_FPS: Final = 25.0
"""Frames per second where nothing tells; the clip's notes say that it was taken."""

MAX_PLACES: Final = 400_000
"""Most frames times people that are read."""


@dataclass(frozen=True, kw_only=True)
class Detections:
    """The people of a clip, in no order that lasts from frame to frame.

    Attributes:
        name: of the clip.
        people: (T, P, J, 3) float32 of x and y in pixels, y downwards, and confidence in [0, 1]: all 0 where a joint
            is absent. J is 50, or 124 with eyes, ears and face. P is the most people that a frame has, at least 1; the
            rest of a frame is absent.
        fps: frames per second.
        depth: (T, P, J) float32 in pixels, NaN where the detector tells none: that of the body from the neck, of a
            hand from its wrist, of the face from the corners of its eyes; it grows away from the viewer. A detector's
            depth is loose: its order is good, its size is not. None if no joint has any.
        size: width and height of the picture in pixels; ``None`` if the source does not tell.
        notes: what a reader of the report should know.
    """

    name: str
    people: NDArray[np.float32]
    fps: float
    depth: NDArray[np.float32] | None = None
    size: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()


def as_points(positions: ArrayLike, confidence: ArrayLike) -> NDArray[np.float32]:
    """Join positions (..., 2) and confidences (...) to (..., 3) float32, with absent joints as 0.

    A joint is absent that is not finite, at (0, 0), or of no confidence; confidences above 1 are cut.

    >>> as_points([[5, 7], [0, 0], [np.nan, 1]], [1.02, 0.9, 0.9]).tolist()
    [[5.0, 7.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    x_y, weight = np.asarray(positions, dtype=np.float64), np.asarray(confidence, dtype=np.float64)
    present = (weight > 0) & np.isfinite(x_y).all(axis=-1) & (x_y != 0).any(axis=-1)
    points = np.concatenate([x_y, np.minimum(weight, 1.0)[..., None]], axis=-1)
    return np.where(present[..., None], points, 0.0).astype(np.float32)


def rate_of(told: float | None, given: float | None) -> tuple[float, tuple[str, ...]]:
    """Choose the frame rate of a clip: what its files tell, else what is given, else `DEFAULT_FPS`, with a note.

    >>> rate_of(24.0, 30.0), rate_of(None, 24.0), rate_of(None, None)
    ((24.0, ()), (24.0, ()), (25.0, ('nothing tells the frame rate: 25 was taken',)))
    """
    if told is not None or given is not None:
        return told or given or DEFAULT_FPS, ()
    return DEFAULT_FPS, (f"nothing tells the frame rate: {DEFAULT_FPS:g} was taken",)


def check_numbers(numbers: NDArray[np.floating], path: Path, place: str = "") -> None:
    """Make sure that numbers, (T, J, D) or (T, J * D), can be coordinates and confidences; NaN is for what is absent.

    A ``FormatError`` names the frame and joint of one that is infinite, or beyond a million.
    """
    if (found := outside(numbers, np.isnan(numbers))) is not None:
        frame, *rest = found
        joint, number = rest if len(rest) == 2 else divmod(rest[0], 3)
        raise FormatError(
            path,
            f"expected numbers up to {LARGEST}, but number {number} of joint {joint} is {numbers[found]:g}.",
            place=f"{place}, frame {frame}" if place else f"frame {frame}",
        )


def stack_people(frames: Sequence[NDArray[np.float32]], path: Path) -> NDArray[np.float32]:
    """Bring the people of all frames, (P', J, 3) each, into one array (T, P, J, 3).

    A ``FormatError`` with ``path`` says if frames times people are more than `MAX_PLACES`.
    """
    most = max(1, *(len(frame) for frame in frames))
    if len(frames) * most > MAX_PLACES:
        raise FormatError(
            path, f"expected at most {MAX_PLACES} frames times people, but found {len(frames)} times {most}."
        )
    people = np.zeros((len(frames), most, *frames[0].shape[1:]), dtype=np.float32)
    for place, frame in zip(people, frames, strict=True):
        place[: len(frame)] = frame
    return people
