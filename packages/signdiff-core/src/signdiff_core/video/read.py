"""Decoding a video, frame by frame."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from signdiff_core.video.info import VideoError, probe

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray


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
