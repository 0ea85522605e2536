"""Videos, one frame at a time."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

VIDEO_SUFFIXES: Final = frozenset({".avi", ".mkv", ".mov", ".mp4", ".webm"})
"""File names that count as videos."""


def is_video(path: Path) -> bool:
    """Tell by its name whether a file is a video."""
    return path.suffix.lower() in VIDEO_SUFFIXES


@contextmanager
def open_video(path: Path) -> Iterator[tuple[float, Iterator[NDArray[np.uint8]]]]:
    """Open a video.

    Args:
        path: a file that FFmpeg can read.

    Yields:
        Frames per second, and an iterator of (H, W, 3) uint8 RGB frames that holds one at a time.

    Raises:
        ValueError: the file isn't a video, or breaks off in the middle.
    """
    import av

    try:
        container = av.open(str(path))
    except av.FFmpegError as error:
        raise _unreadable(path, error) from error
    with container:
        if not container.streams.video:
            raise ValueError(f"{path.name} must hold a video stream, but holds none.")
        stream = container.streams.video[0]
        if stream.average_rate is None:
            raise ValueError(f"{path.name} must state its frame rate, but doesn't.")
        yield float(stream.average_rate), _frames(path, container)


def _frames(path: Path, container: Any) -> Iterator[NDArray[np.uint8]]:
    import av

    try:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")
    except av.FFmpegError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> ValueError:
    return ValueError(f"{path.name} must be a whole video, but can't be read: {error}")
