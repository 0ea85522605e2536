"""Videos, one frame at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_eval.readers.poses import MAX_FPS

VIDEO_SUFFIXES: Final = frozenset({".avi", ".mkv", ".mov", ".mp4", ".webm"})
"""File names that count as videos."""

MAX_SIDE: Final = 8192
"""Longest side of a frame that is read, in pixels."""


def is_video(path: Path) -> bool:
    """Tell by its name whether a file is a video."""
    return path.suffix.lower() in VIDEO_SUFFIXES


@contextmanager
def open_video(path: Path) -> Iterator[tuple[float, Iterator[NDArray[np.uint8]]]]:
    """Open a video.

    Args:
        path: a file that FFmpeg can read.

    Yields:
        Frames per second, and an iterator of (H, W, 3) uint8 RGB frames that holds one at a time. They are turned as
        the file says that they are to be shown.

    Raises:
        ValueError: the file isn't a video, breaks off in the middle, has no frame rate, or has frames of more than
            `MAX_SIDE` pixels a side.
    """
    import av

    try:
        # Titles are in whatever encoding; they are not looked at.
        container = av.open(str(path), metadata_errors="replace")
    except av.FFmpegError as error:
        raise _unreadable(path, error) from error
    with container:
        if not container.streams.video:
            raise ValueError(f"{path} must hold a video stream, but holds none.")
        stream = container.streams.video[0]
        if stream.codec_context is None:
            raise ValueError(f"{path} must be a video that FFmpeg can decode, but it has no decoder for its codec.")
        if stream.average_rate is None or not 0 < stream.average_rate <= MAX_FPS:
            raise ValueError(f"{path} must state its frame rate, up to {MAX_FPS:g}, but states {stream.average_rate}.")
        yield float(stream.average_rate), _frames(path, container)


def _frames(path: Path, container: Any) -> Iterator[NDArray[np.uint8]]:
    import av

    try:
        for frame in container.decode(video=0):
            if max(frame.width, frame.height) > MAX_SIDE:
                raise ValueError(
                    f"{path} must have frames of at most {MAX_SIDE} pixels a side, but has one of "
                    f"{frame.width}x{frame.height}."
                )
            yield upright(frame)
    except av.FFmpegError as error:
        raise _unreadable(path, error) from error


def upright(frame: Any) -> NDArray[np.uint8]:
    """Give a decoded frame of PyAV, (H, W, 3) uint8 RGB, as it is to be seen: cameras write a rotation beside it.

    Other angles than quarters of a circle are passed over, as OpenCV passes them over.
    """
    picture: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")
    turns, rest = divmod(int(frame.rotation), 90)
    return picture if rest or not turns % 4 else np.ascontiguousarray(np.rot90(picture, turns))


def _unreadable(path: Path, error: Any) -> ValueError:
    return ValueError(f"{path} must be a whole video, but can't be read: {error.strerror or error}.")
