"""How a clip is framed: the size of its frames, and the one camera that shows all that is signed in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from signdiff_core import skeleton
from signdiff_core.camera import Camera
from signdiff_core.skeleton import LEFT_HAND, NECK, NOSE, RIGHT_HAND

if TYPE_CHECKING:  # pose_format is heavy to import
    from pose_format import Pose

Framing = Literal["signing space", "recorded"] | Camera | tuple[float, float, float]
"""``"signing space"``, ``"recorded"``, a camera, or its numbers: scale, then x and y of the neck."""

SMALLEST, LARGEST = 16, 4096
"""Sides that a frame can have, in pixels."""

_MARGIN: Final = 0.03
"""How much is shown round hands and head, in normalised units: a tenth of the shoulders' distance."""

_FLESH: Final = 0.012
"""How far a finger reaches beyond its joints."""

_CLEAR: Final = 0.02
"""How much is above a head that is known at least where the default view is kept."""

_CROWN: Final = 0.16
"""How high above the nose a head with its hair reaches."""

_REACH: Final = 1.3
"""How far from the neck a hand can be, in normalised units: beyond an outstretched arm there are only errors."""

_HANGING: Final = np.cos(np.radians(15))
"""An arm hangs where neither half of it leaves the vertical by more than this (cosine), and its wrist is low."""

_LOW: Final = 0.4
"""How far below its shoulder the wrist of an arm that hangs is, at least."""

_ARMS: Final = (
    (skeleton.LEFT_SHOULDER, skeleton.LEFT_ELBOW, skeleton.LEFT_WRIST, LEFT_HAND),
    (skeleton.RIGHT_SHOULDER, skeleton.RIGHT_ELBOW, skeleton.RIGHT_WRIST, RIGHT_HAND),
)


def choose_camera(
    joints: NDArray[np.floating],
    confidence: NDArray[np.floating],
    *,
    width: int,
    height: int,
    framing: Framing = "signing space",
    face: NDArray[np.floating] | None = None,
) -> Camera:
    """Choose the camera of a clip, one for all of its frames.

    The signing space is the head and both hands of all frames, with a margin; a pose that the default view shows keeps
    that view. An arm that hangs beside the body signs nothing: how low its hand hangs, and its way up and down, does
    not count. Neither do joints that no arm can reach.

    Args:
        joints: (T, 50, 2 or 3) normalised coordinates; absent ones are anything.
        confidence: (T, 50); 0 where a joint is absent.
        width: of the frames in pixels.
        height: likewise.
        framing: ``"signing space"``, or a camera or its numbers, which are taken as they are. For ``"recorded"`` see
            `recorded_camera`: normalised coordinates do not tell it.
        face: (T, F, 2 or 3) points of head and face, normalised, NaN where absent; they are shown, too.

    Returns:
        The camera.

    Raises:
        ValueError: ``framing`` is none of these.

    Example:
        >>> joints = np.zeros((2, 50, 3))
        >>> joints[1, 29:] = (-0.7, 0.3, 0)  # the right hand, far out
        >>> camera = choose_camera(joints, np.ones((2, 50)), width=512, height=512)
        >>> camera.scale, round(float(camera.project(joints[1, 29], 512)[0]))
        (1.2, 18)
    """
    if framing != "signing space":
        return _given(framing)
    default = Camera.centred(width, height)
    box = _box(joints, confidence, face)
    if box is None:
        return default
    (left, top), (right, bottom) = box
    across, down = default.scales((width, height))
    x, y = default.neck
    beside = min(x + (left - _FLESH) * across, 1 - x - (right + _FLESH) * across)
    clear = 0.0 if face is None else _CLEAR
    if beside >= 0 and y + (top - clear) * down >= 0 and y + (bottom + _FLESH) * down <= 1:
        return default
    left, right, top, bottom = left - _MARGIN, right + _MARGIN, top - _MARGIN, bottom + _MARGIN
    share = min(1.0, 1 / (across * (right - left)), 1 / (down * (bottom - top)))
    across, down = across * share, down * share
    # The neck moves no farther than it must.
    x = min(max(x, -left * across), 1 - right * across)
    y = min(max(y, -top * down), 1 - bottom * down)
    return Camera(scale=float(default.scale * share), neck=(float(x), float(y)))


def recorded_camera(pose: Pose, *, width: int, height: int) -> Camera:
    """Give the camera that shows a pose as its source picture did, the whole of which lies in the frame.

    Args:
        pose: a pose of the 50 joints in pixels, with the picture's size in its header.
        width: of the frames in pixels.
        height: likewise.

    Raises:
        ValueError: the pose is normalised, so that nothing tells of a picture, or never shows a neck and shoulders.
    """
    from signdiff_core.formats.coordinates import is_normalised

    if is_normalised(pose):
        raise ValueError("framing must not be 'recorded' for a pose in normalised coordinates: no picture is known.")
    joints, confidence = skeleton.joints_of(pose)
    seen = (confidence[:, [NECK, skeleton.LEFT_SHOULDER, skeleton.RIGHT_SHOULDER]] > 0).all(axis=1)
    apart = np.linalg.norm(joints[:, skeleton.LEFT_SHOULDER] - joints[:, skeleton.RIGHT_SHOULDER], axis=1)[seen]
    if not (apart > 0).any():
        raise ValueError("joints must hold a neck and both shoulders in some frame, but they are absent.")
    unit = float(np.median(apart[apart > 0])) / skeleton.SHOULDER_WIDTH
    x, y = np.median(joints[seen, NECK, :2], axis=0).tolist()
    picture = pose.header.dimensions
    share = min(width / picture.width, height / picture.height)
    return Camera(
        scale=unit * share / min(width, height),
        neck=(
            ((x - picture.width / 2) * share + width / 2) / width,
            ((y - picture.height / 2) * share + height / 2) / height,
        ),
    )


def resolved(framing: Framing, pose: Pose, *, width: int, height: int) -> Framing:
    """Turn ``"recorded"``, which only the pose as it was read can tell, into a camera; others come back as they are.

    Raises ValueError as `recorded_camera` does, and where `framing` is no framing.
    """
    if framing == "recorded":
        return recorded_camera(pose, width=width, height=height)
    return framing if framing == "signing space" else _given(framing)


def frame_size(size: int | None, width: int | None, height: int | None, *, default: int = 512) -> tuple[int, int]:
    """Give width and height of the frames out of what a renderer was called with.

    Raises ValueError where they contradict each other, only one of width and height is there, or a side is not between
    `SMALLEST` and `LARGEST`.

    Example:
        >>> frame_size(None, None, None), frame_size(256, None, None), frame_size(None, 1280, 720)
        ((512, 512), (256, 256), (1280, 720))
    """
    if size is not None and (width, height) != (None, None):
        raise ValueError(f"size or width and height must be given, not both, but size is {size}.")
    if (width is None) != (height is None):
        raise ValueError(f"width and height must be given together, but are {width} and {height}.")
    named = {"width": width, "height": height} if width is not None else {"size": default if size is None else size}
    for name, side in named.items():
        if isinstance(side, bool) or not isinstance(side, int) or not SMALLEST <= side <= LARGEST:
            raise ValueError(f"{name} must be between {SMALLEST} and {LARGEST}, but is {side}.")
    sides = [side for side in named.values() if side is not None]
    return sides[0], sides[-1]


def _given(framing: object) -> Camera:
    if isinstance(framing, Camera):
        return framing
    numbers = np.asarray(framing if isinstance(framing, tuple | list) else [], dtype=np.float64)
    if numbers.shape != (3,) or not np.isfinite(numbers).all() or not 0.01 <= numbers[0] <= 100:
        raise ValueError(
            "framing must be 'signing space', 'recorded', a Camera, or scale (0.01 to 100), x and y of the neck, "
            f"but is {framing!r}."
        )
    scale, x, y = numbers.tolist()
    return Camera(scale=scale, neck=(x, y))


def _box(
    joints: NDArray[np.floating], confidence: NDArray[np.floating], face: NDArray[np.floating] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Find the corners of what must be seen, (2,) each: of head and hands, in all frames; None if there is nothing."""
    points = np.array(joints[..., :2], dtype=np.float64)
    points[~(np.asarray(confidence) > 0)] = np.nan
    with np.errstate(invalid="ignore"):
        points[np.linalg.norm(points, axis=-1) > _REACH] = np.nan
    head = points[:, NOSE]
    shown = [head, head - [0, _CROWN], *([] if face is None else [face[..., :2]])]
    for shoulder, elbow, wrist, hand in _ARMS:
        own = np.concatenate([points[:, hand], points[:, wrist, None]], axis=1)
        idle = _idle(points[:, shoulder], points[:, elbow], points[:, wrist])
        shown.append(own[~idle])
        own[idle, :, 1] = np.minimum(own[idle, :, 1], 0.0)
        shown.append(own[idle])
    every = np.concatenate([part.reshape(-1, 2) for part in shown])
    every = every[np.isfinite(every).all(axis=1)]
    return (every.min(axis=0), every.max(axis=0)) if len(every) else None


def _idle(
    shoulder: NDArray[np.floating], elbow: NDArray[np.floating], wrist: NDArray[np.floating]
) -> NDArray[np.bool_]:
    """Tell in which frames an arm hangs, or is on its way from there or to there: (T,)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        upper, fore = (
            (end - start)[:, 1] / np.linalg.norm(end - start, axis=1)
            for start, end in ((shoulder, elbow), (elbow, wrist))
        )
        low = wrist[:, 1] - shoulder[:, 1] > _LOW
        idle: NDArray[np.bool_] = low & (upper > _HANGING) & (fore > _HANGING)
        rises = np.diff(wrist[:, 1]) < 0
        falls = np.diff(wrist[:, 1]) > 0
    for t in range(1, len(idle)):
        idle[t] |= idle[t - 1] and bool(rises[t - 1])
    for t in range(len(idle) - 2, -1, -1):
        idle[t] |= idle[t + 1] and bool(falls[t])
    return idle
