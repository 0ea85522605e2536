"""What a video file says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from signdiff_core.video.opening import VideoError, opened
from signdiff_core.video.upright import quarter_turns

if TYPE_CHECKING:
    import os

MAX_SIDE: Final = 8192
"""Longest side of a frame that is written or read, in pixels."""


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
        if first is not None and quarter_turns(first) % 2:
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
