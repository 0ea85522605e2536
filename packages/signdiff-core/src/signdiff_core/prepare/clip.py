"""One clip: its frames as training needs them, one after another as they are decoded."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from signdiff_core.prepare.choice import check_lengths, is_chosen, pose_frame, pose_rate, reason_against
from signdiff_core.prepare.poses import read_seen
from signdiff_core.prepare.square import find_square
from signdiff_core.video import VideoError, probe, read_video

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from numpy.typing import NDArray

    from signdiff_core.diffusion.frmap import FRMapper
    from signdiff_core.prepare.gather import Clip
    from signdiff_core.prepare.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One training frame.

    Attributes:
        frame: its number in the video.
        image: (S, S, 3) uint8 RGB.
        fr_map: (S, S) uint8, 0 on strokes and 255 elsewhere.
        joints: (50, 3) float32 normalised, as `Camera` shows them in the image; NaN where absent, depth 0.
    """

    frame: int
    image: NDArray[np.uint8]
    fr_map: NDArray[np.uint8]
    joints: NDArray[np.float32]


class ClipReader:
    """Reads a clip.

    Args:
        clip: the clip.
        settings: what is done to it.
        mapper: FR-Net of these settings.

    Attributes:
        told: what is known of the clip; complete after the last frame.

    Raises:
        ValueError: video or pose is broken, or they do not belong together.
        OSError: a file cannot be read.
    """

    def __init__(self, clip: Clip, settings: Settings, mapper: FRMapper) -> None:
        self.clip, self.settings, self.mapper = clip, settings, mapper
        info = probe(clip.video)
        if not info.fps > 0:
            raise VideoError(f"{clip.video}: expected a video with a frame rate, but the file tells none.")
        seen = read_seen(clip.pose, info)
        self._rate, self._video_fps = pose_rate(info.fps, seen.fps), info.fps
        self._confidence = np.where(seen.confidence >= settings.min_confidence, seen.confidence, 0.0)
        self._square = find_square(seen.points, self._confidence)
        padding = self._square.padding(info.width, info.height)
        if padding > settings.max_padding:
            raise ValueError(
                f"at most {settings.max_padding:.0%} of the square around the signer may lie outside the picture, but "
                f"{padding:.0%} do."
            )
        points = self._square.normalise(seen.points)
        absent = self._confidence == 0
        self._joints = np.concatenate([points, np.zeros_like(points[..., :1])], axis=-1).astype(np.float32)
        self._joints[absent] = np.nan
        self._dropped: dict[str, list[int]] = defaultdict(list)
        self.told: dict[str, Any] = {
            "name": clip.name,
            "text": clip.text,
            "width": info.width,
            "height": info.height,
            "fps": info.fps,
            "square": [self._square.left, self._square.top, self._square.side],
            "padding": round(padding, 4),
            "notes": list(seen.notes),
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
        self.told |= {"video_frames": frames, "frames": kept, "left_out": counts, "left_out_frames": dropped}


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
