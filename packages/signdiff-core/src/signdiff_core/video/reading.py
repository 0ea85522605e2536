"""Videos in: what a file says of itself, and its frames, upright, one by one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MAX_SIDE: Final = 8192
"""Longest side of a frame that is written or read, in pixels."""


class VideoError(ValueError):
    """A file is not a video that can be read; the message names it and the reason."""


@dataclass(frozen=True, kw_only=True)
class VideoInfo:
    """What a video file says of itself."""

    width: int
    """Of the frames as they are shown, in pixels."""

    height: int
    """Likewise."""

    fps: float
    """Frames per second, on average."""

    frames: int
    """Number of frames; 0 if the file does not say."""

    seconds: float
    """Duration; 0 if the file does not say."""

    codec: str
    """Name of the codec, such as ``"h264"``."""

    pixel_format: str
    """Layout of the stored pixels, such as ``"yuv420p"``."""


def probe(path: str | os.PathLike[str]) -> VideoInfo:
    """Read what a video file says of itself; of its frames the first is decoded, which tells how they are turned.

    Args:
        path: a file in any format that FFmpeg reads.

    Raises:
        FileNotFoundError: there is no such file.
        VideoError: it is not a video, or its frames are larger than `MAX_SIDE`.
    """
    with opened(path) as (file, stream):
        context = stream.codec_context
        if max(context.width, context.height) > MAX_SIDE:
            raise VideoError(
                f"{path}: expected frames of at most {MAX_SIDE} pixels a side, but they are "
                f"{context.width}x{context.height}."
            )
        first = next(file.decode(stream), None)
        width, height = context.width, context.height
        if first is not None and _quarter_turns(first) % 2:
            width, height = height, width
        duration = stream.duration * stream.time_base if stream.duration and stream.time_base else Fraction(0)
        return VideoInfo(
            width=width,
            height=height,
            fps=float(stream.average_rate or 0),
            frames=stream.frames,
            seconds=float(duration),
            codec=context.name,
            pixel_format=context.pix_fmt or "",
        )


def read_video(path: str | os.PathLike[str]) -> Iterator[NDArray[np.uint8]]:
    """Decode a video, frame by frame.

    Args:
        path: a file in any format that FFmpeg reads.

    Yields:
        (H, W, 3) uint8 RGB, turned as the file says that they are to be shown.

    Raises:
        FileNotFoundError: there is no such file.
        VideoError: it is not a video, it is damaged, or its frames are larger than `MAX_SIDE`.
    """
    probe(path)
    with opened(path) as (file, _):
        for frame in file.decode(video=0):
            yield upright(frame)


def frame_times(path: str | os.PathLike[str]) -> list[float]:
    """Tell when each frame of a video is shown, in seconds since the first one. Errors are those of `read_video`."""
    rate = probe(path).fps or 25.0
    with opened(path) as (file, _):
        times = [
            number / rate if frame.time is None else frame.time for number, frame in enumerate(file.decode(video=0))
        ]
    return [time - times[0] for time in times]


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[tuple[Any, Any]]:
    """Open a video: PyAV's container and its first stream; what FFmpeg says of a broken one is a `VideoError`."""
    import av

    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: expected a video, but there is no such file.")
    try:
        # Titles are in whatever encoding; they are not looked at.
        with av.open(Path(path), metadata_errors="replace") as file:
            if not file.streams.video:
                raise VideoError(f"{path}: expected a video, but the file holds none.")
            stream = file.streams.video[0]
            if stream.codec_context is None:
                raise VideoError(f"{path}: expected a video, but this FFmpeg has no decoder for its codec.")
            yield file, stream
    except av.error.FFmpegError as error:
        raise VideoError(f"{path}: expected a video, but it cannot be read ({error.strerror}).") from error


def _quarter_turns(frame: Any) -> int:
    """Tell how many quarters of a circle, 0 to 3, PyAV's frame is turned, counter-clockwise, to be shown.

    Cameras store frames as the sensor saw them, with a rotation. Other angles are passed over, as OpenCV does.
    """
    turns, rest = divmod(int(frame.rotation), 90)
    return 0 if rest else turns % 4


def upright(frame: Any) -> NDArray[np.uint8]:
    """Give a decoded frame of PyAV as it is to be seen, (H, W, 3) uint8 RGB."""
    picture: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")
    turns = _quarter_turns(frame)
    return np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture
