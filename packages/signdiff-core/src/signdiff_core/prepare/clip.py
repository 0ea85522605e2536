"""One clip: its frames as training needs them, one after another as they are decoded, and which are left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from signdiff_core import skeleton
from signdiff_core.camera import Camera
from signdiff_core.prepare.gather import Clip
from signdiff_core.prepare.plan import Settings
from signdiff_core.prepare.signer import find_square, read_pixels
from signdiff_core.video.reading import VideoError, probe, read_video

if TYPE_CHECKING:
    from signdiff_core.diffusion.frmap import FRMapper

Reason = Literal["no pose", "body", "elsewhere", "hands"]
"""Why a frame is left out: the pose has no such frame; neck or shoulders are absent; they are not where they are in the
rest of the clip; a hand that is in the picture was not found well enough."""

REASONS: Final[tuple[Reason, ...]] = get_args(Reason)

_HANDS: Final = ((skeleton.LEFT_HAND, skeleton.LEFT_WRIST), (skeleton.RIGHT_HAND, skeleton.RIGHT_WRIST))
_SAME_RATE: Final = 0.01
_GAP_SECONDS: Final = 0.5
_GAP_SHARE: Final = 0.05
_FARTHEST: Final = 1.0
_WIDTHS: Final = (0.4, 2.0)
"""How far the neck may be from its usual place, and how far apart the shoulders, in usual shoulder widths."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One training frame.

    Attributes:
        frame: its number in the video.
        image: (S, S, 3) uint8 RGB.
        fr_map: (S, S) uint8, 0 on strokes and 255 elsewhere.
        joints: (50, 3) float32 normalised, as `Camera` shows them in the image; NaN where absent, depth 0. (124, 3)
            with eyes, ears and face, where the settings ask for them.
    """

    frame: int
    image: NDArray[np.uint8]
    fr_map: NDArray[np.uint8]
    joints: NDArray[np.float32]


class ClipReader:
    """Reads a clip; its `facts` are complete after the last frame.

    Raises ValueError where video or pose is broken, or they do not belong together, OSError where a file cannot be
    read.
    """

    def __init__(self, clip: Clip, settings: Settings, mapper: FRMapper) -> None:
        self.clip, self.settings, self.mapper = clip, settings, mapper
        info = probe(clip.video)
        if not info.fps > 0:
            raise VideoError(f"{clip.video}: expected a video with a frame rate, but the file tells none.")
        pose = read_pixels(clip.pose, info, settings.person, skeleton=settings.skeleton)
        self._rate, self._video_fps = pose_rate(info.fps, pose.fps), info.fps
        self._confidence = np.where(pose.confidence >= settings.min_confidence, pose.confidence, 0.0)
        if settings.skeleton == "body_hands_face" and not self._confidence[:, skeleton.FACE].any():
            raise ValueError(
                "the pose must show a face in some frame for the skeleton body_hands_face, but shows none."
            )
        self._square = find_square(pose.points, self._confidence)
        padding = self._square.padding(info.width, info.height)
        if padding > settings.max_padding:
            raise ValueError(
                f"at most {settings.max_padding:.0%} of the square around the signer may lie outside the picture, but "
                f"{padding:.0%} do."
            )
        points = self._square.normalise(pose.points)
        absent = self._confidence == 0
        self._joints = np.concatenate([points, np.zeros_like(points[..., :1])], axis=-1).astype(np.float32)
        self._joints[absent] = np.nan
        self._dropped: dict[str, list[int]] = defaultdict(list)
        self.facts: dict[str, Any] = {
            "name": clip.name,
            "text": clip.text,
            "width": info.width,
            "height": info.height,
            "fps": info.fps,
            "square": [self._square.left, self._square.top, self._square.side],
            "padding": round(padding, 4),
            "notes": list(pose.notes),
        }

    def __iter__(self) -> Iterator[Sample]:
        """Decode the video once; memory does not grow with its length."""
        kept = frames = 0
        for number, picture in enumerate(read_video(self.clip.video)):
            frames += 1
            if not is_chosen(number, self._video_fps, self.settings):
                continue
            place = pose_frame(number, self._video_fps, self._rate)
            reason = (
                reason_against(self._joints[place], self._confidence[place], self.settings)
                if place < len(self._joints)
                else "no pose"
            )
            if reason:
                self._dropped[reason].append(number)
                continue
            kept += 1
            image = self._square.cut(picture, self.settings.size)
            yield Sample(
                frame=number,
                image=image,
                fr_map=self.mapper(image, size=self.settings.size),
                joints=self._joints[place],
            )
        check_lengths(frames, self._video_fps, len(self._joints), self._rate)
        dropped = {reason: ranges(numbers) for reason, numbers in self._dropped.items()}
        counts = {reason: len(numbers) for reason, numbers in self._dropped.items()}
        self.facts |= {"video_frames": frames, "frames": kept, "left_out": counts, "left_out_frames": dropped}


def pose_rate(video_fps: float, pose_fps: float) -> float:
    """Give a pose's frames per second, which are the video's if they are nearly the same."""
    return video_fps if abs(pose_fps / video_fps - 1) < _SAME_RATE else pose_fps


def pose_frame(number: int, video_fps: float, rate: float) -> int:
    """Find the frame of a pose, at `rate` frames a second, that is nearest to a frame of a video.

    Example:
        >>> [pose_frame(number, 30, 15) for number in range(6)]
        [0, 1, 1, 2, 2, 3]
    """
    return int(number * rate / video_fps + 0.5)


def check_lengths(frames: int, video_fps: float, poses: int, rate: float) -> None:
    """Raise ValueError where pose and video differ by more than half a second and 5%: one is of another clip."""
    video_seconds, pose_seconds = frames / video_fps, poses / rate
    if abs(video_seconds - pose_seconds) > _GAP_SECONDS + _GAP_SHARE * video_seconds:
        raise ValueError(
            f"the pose must be as long as the video, {frames} frames in {video_seconds:.1f} s, but has {poses} frames "
            f"in {pose_seconds:.1f} s."
        )


def is_chosen(number: int, video_fps: float, settings: Settings) -> bool:
    """Tell whether a frame is wanted, by ``every`` and ``fps``.

    Example:
        >>> from signdiff_core.prepare.plan import Settings
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

    Joints (J, 2 or 3) are normalised, the 50 first, with confidences (J,), 0 where absent; `camera` shows the frame.
    """
    present = confidence > 0
    if not present.any():
        return "no pose"
    if not present[[skeleton.NECK, skeleton.LEFT_SHOULDER, skeleton.RIGHT_SHOULDER]].all():
        return "body"
    neck, width = joints[skeleton.NECK, :2], joints[skeleton.LEFT_SHOULDER, :2] - joints[skeleton.RIGHT_SHOULDER, :2]
    if np.hypot(*neck) > _FARTHEST * skeleton.SHOULDER_WIDTH or not (
        _WIDTHS[0] * skeleton.SHOULDER_WIDTH < np.hypot(*width) < _WIDTHS[1] * skeleton.SHOULDER_WIDTH
    ):
        return "elsewhere"
    for hand, wrist in _HANDS:
        place = (camera or Camera()).project(joints[wrist], 1)
        shown = present[wrist] and place.min() >= 0 and place.max() < 1
        if shown and confidence[hand].mean() < settings.min_hand_confidence:
            return "hands"
    return None


def ranges(numbers: list[int]) -> str:
    """Write rising numbers briefly.

    Example:
        >>> ranges([0, 1, 2, 7, 9, 10])
        '0-2,7,9-10'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)
