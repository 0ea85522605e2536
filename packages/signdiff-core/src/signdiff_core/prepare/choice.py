"""Which frames of a video make training frames, and with which pose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np

from signdiff_core.camera import Camera
from signdiff_core.skeleton import (
    LEFT_HAND,
    LEFT_SHOULDER,
    LEFT_WRIST,
    NECK,
    RIGHT_HAND,
    RIGHT_SHOULDER,
    RIGHT_WRIST,
    SHOULDER_WIDTH,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from signdiff_core.prepare.settings import Settings

Reason = Literal["no pose", "body", "elsewhere", "hands"]
"""Why a frame is left out: the pose has no such frame; neck or shoulders are absent; they are not where they are in the
rest of the clip; a hand that is in the picture was not found well enough."""

REASONS: Final[tuple[Reason, ...]] = get_args(Reason)

_HANDS: Final = ((LEFT_HAND, LEFT_WRIST), (RIGHT_HAND, RIGHT_WRIST))
_SAME_RATE: Final = 0.01
_GAP_SECONDS: Final = 0.5
_GAP_SHARE: Final = 0.05
_FARTHEST: Final = 1.0
_WIDTHS: Final = (0.4, 2.0)
"""How far the neck may be from its usual place, and how far apart the shoulders, in usual shoulder widths."""


def pose_rate(video_fps: float, pose_fps: float | None) -> float:
    """Give a pose's frames per second, which are the video's if it does not tell or nearly so."""
    return video_fps if pose_fps is None or abs(pose_fps / video_fps - 1) < _SAME_RATE else pose_fps


def pose_frame(number: int, video_fps: float, rate: float) -> int:
    """Find the frame of a pose that is nearest to a frame of a video.

    Args:
        number: of the video's frame.
        video_fps: frames per second of the video.
        rate: of the pose, by `pose_rate`.

    Example:
        >>> [pose_frame(number, 30, 15) for number in range(6)]
        [0, 1, 1, 2, 2, 3]
    """
    return int(number * rate / video_fps + 0.5)


def check_lengths(frames: int, video_fps: float, poses: int, rate: float) -> None:
    """Make sure that a pose is about as long as its video.

    Raises:
        ValueError: they differ by more than half a second and 5%: one of them is of another clip.
    """
    video_seconds, pose_seconds = frames / video_fps, poses / rate
    if abs(video_seconds - pose_seconds) > _GAP_SECONDS + _GAP_SHARE * video_seconds:
        raise ValueError(
            f"the pose must be as long as the video, {frames} frames in {video_seconds:.1f} s, but has {poses} frames "
            f"in {pose_seconds:.1f} s."
        )


def is_chosen(number: int, video_fps: float, settings: Settings) -> bool:
    """Tell whether a frame is wanted, by ``every`` and ``fps``.

    Example:
        >>> from signdiff_core.prepare.settings import Settings
        >>> [number for number in range(12) if is_chosen(number, 24, Settings(fps=10))]
        [0, 3, 5, 8, 10]
    """
    if number % settings.every:
        return False
    if settings.fps is None or number == 0:
        return True
    return int(number * settings.fps / video_fps) != int((number - settings.every) * settings.fps / video_fps)


def reason_against(
    joints: NDArray[np.floating], confidence: NDArray[np.floating], settings: Settings, camera: Camera | None = None
) -> Reason | None:
    """Tell why a frame must be left out, if it must.

    Args:
        joints: (50, 2 or 3) normalised; those that are absent are anything.
        confidence: (50,); 0 means absent.
        settings: what is too little.
        camera: shows the frame.
    """
    present = confidence > 0
    if not present.any():
        return "no pose"
    if not present[[NECK, LEFT_SHOULDER, RIGHT_SHOULDER]].all():
        return "body"
    neck, width = joints[NECK, :2], joints[LEFT_SHOULDER, :2] - joints[RIGHT_SHOULDER, :2]
    if np.hypot(*neck) > _FARTHEST * SHOULDER_WIDTH or not (
        _WIDTHS[0] * SHOULDER_WIDTH < np.hypot(*width) < _WIDTHS[1] * SHOULDER_WIDTH
    ):
        return "elsewhere"
    for hand, wrist in _HANDS:
        place = (camera or Camera()).project(joints[wrist], 1)
        shown = present[wrist] and place.min() >= 0 and place.max() < 1
        if shown and confidence[hand].mean() < settings.min_hand_confidence:
            return "hands"
    return None
