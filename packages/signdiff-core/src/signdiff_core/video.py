"""Videos in and out, frame by frame: H.264 through PyAV."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from signdiff_core.atomic import replacing

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

MAX_SIDE: Final = 8192
"""Longest side of a frame that is written or read, in pixels."""

_BT601: Final = 6
"""FFmpeg's number of SMPTE 170M, the matrix by which RGB becomes YUV here: players then show the same colours."""


class VideoError(ValueError):
    """A file is not a video that can be read; the message names it and the reason."""


@dataclass(frozen=True, kw_only=True)
class VideoInfo:
    """What a video file says of itself."""

    width: int
    height: int

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


def write_video(
    path: str | os.PathLike[str], frames: Iterable[NDArray[np.uint8]], fps: float, *, crf: int = 18
) -> VideoInfo:
    """Write frames to an MP4 file as they come: memory does not grow with the length.

    Equal frames give equal files: the encoder runs in one thread. The file appears under its name when it is whole.

    Args:
        path: the file to write; an existing one is replaced.
        frames: (H, W, 3) uint8 RGB each, all of one size; H and W even.
        fps: frames per second.
        crf: quality of x264, from 0 (lossless) to 51; 18 is visually lossless.

    Returns:
        What was written.

    Raises:
        ValueError: there is no frame, a frame has another shape or dtype, or ``fps`` or ``crf`` is out of range.
        OSError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as home:
        ...     grey = np.full((64, 96, 3), 128, np.uint8)
        ...     info = write_video(Path(home) / "grey.mp4", [grey] * 5, 25)
        >>> info.width, info.height, info.frames, info.seconds
        (96, 64, 5, 0.2)
    """
    import av

    if not 0 < fps <= 1000:
        raise ValueError(f"fps must be in (0, 1000], but is {fps}.")
    if not 0 <= crf <= 51:
        raise ValueError(f"crf must be between 0 and 51, but is {crf}.")
    rate = Fraction(fps).limit_denominator(1001)
    count, shape = 0, (0, 0)
    with (
        replacing(path) as temporary,
        av.open(temporary, "w", format="mp4", options={"movflags": "+faststart"}) as file,
    ):
        # x264's macroblock tree is not reproducible: equal frames then give other bytes now and then.
        options = {"crf": str(crf), "preset": "medium", "x264-params": "mbtree=0"}
        stream = file.add_stream("libx264", rate=rate, options=options)
        for frame in frames:
            if count == 0:
                shape = _checked_size(frame)
                stream.height, stream.width = shape
                stream.pix_fmt = "yuv420p"
                stream.codec_context.thread_count = 1
                stream.codec_context.color_range = 1
                stream.codec_context.colorspace = stream.codec_context.color_primaries = _BT601
                stream.codec_context.color_trc = _BT601
            if frame.shape != (*shape, 3) or frame.dtype != np.uint8:
                raise ValueError(
                    f"frame {count} must be ({shape[0]}, {shape[1]}, 3) uint8, but is {frame.shape} {frame.dtype}."
                )
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            picture.pts = count
            picture.time_base = 1 / rate
            file.mux(stream.encode(picture))
            count += 1
        if count == 0:
            raise ValueError("frames must hold at least one frame, but is empty.")
        file.mux(stream.encode())
    return VideoInfo(
        width=shape[1],
        height=shape[0],
        fps=float(rate),
        frames=count,
        seconds=float(count / rate),
        codec="h264",
        pixel_format="yuv420p",
    )


def _checked_size(frame: NDArray[np.uint8]) -> tuple[int, int]:
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
        raise ValueError(f"frames must be (H, W, 3) uint8, but the first is {frame.shape} {frame.dtype}.")
    height, width = frame.shape[:2]
    if height % 2 or width % 2 or not 2 <= min(height, width) <= max(height, width) <= MAX_SIDE:
        raise ValueError(f"frames must have even sides from 2 to {MAX_SIDE}, but are {width}x{height}.")
    return height, width


def read_video(path: str | os.PathLike[str]) -> Iterator[NDArray[np.uint8]]:
    """Decode a video, frame by frame.

    Args:
        path: a file in any format that FFmpeg reads.

    Yields:
        (H, W, 3) uint8 RGB.

    Raises:
        FileNotFoundError: there is no such file.
        VideoError: it is not a video, it is damaged, or its frames are larger than `MAX_SIDE`.
    """
    import av

    probe(path)
    try:
        with av.open(Path(path)) as file:
            for frame in file.decode(video=0):
                yield frame.to_ndarray(format="rgb24")
    except av.error.FFmpegError as error:
        raise VideoError(f"{path}: the video is damaged ({error.strerror}).") from error


def probe(path: str | os.PathLike[str]) -> VideoInfo:
    """Read what a video file says of itself, without decoding it.

    Args:
        path: a file in any format that FFmpeg reads.

    Raises:
        FileNotFoundError: there is no such file.
        VideoError: it is not a video, or its frames are larger than `MAX_SIDE`.
    """
    import av

    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: expected a video, but there is no such file.")
    try:
        with av.open(Path(path)) as file:
            if not file.streams.video:
                raise VideoError(f"{path}: expected a video, but the file holds none.")
            stream = file.streams.video[0]
            context = stream.codec_context
            if max(context.width, context.height) > MAX_SIDE:
                raise VideoError(
                    f"{path}: expected frames of at most {MAX_SIDE} pixels a side, but they are "
                    f"{context.width}x{context.height}."
                )
            duration = stream.duration * stream.time_base if stream.duration and stream.time_base else Fraction(0)
            return VideoInfo(
                width=context.width,
                height=context.height,
                fps=float(stream.average_rate or 0),
                frames=stream.frames,
                seconds=float(duration),
                codec=context.name,
                pixel_format=context.pix_fmt or "",
            )
    except av.error.FFmpegError as error:
        raise VideoError(f"{path}: expected a video, but it cannot be read ({error.strerror}).") from error
