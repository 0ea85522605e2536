"""Opening a video file for reading."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator


class VideoError(ValueError):
    """A file is not a video that can be read; the message names it and the reason."""


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[tuple[Any, Any]]:
    """Open a video, and turn into a `VideoError` what FFmpeg says of a broken one, also while it is decoded.

    Args:
        path: a file in any format that FFmpeg reads.

    Yields:
        PyAV's container, and its first stream of pictures.

    Raises:
        FileNotFoundError: there is no such file.
        VideoError: it is not a video, or is damaged.
    """
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
