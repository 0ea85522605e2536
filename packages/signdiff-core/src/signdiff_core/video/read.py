"""Decoding a video, frame by frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signdiff_core.video.info import probe
from signdiff_core.video.opening import opened
from signdiff_core.video.upright import upright

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
        (H, W, 3) uint8 RGB, turned as the file says that they are to be shown.

    Raises:
        FileNotFoundError: there is no such file.
        VideoError: it is not a video, it is damaged, or its frames are larger than `MAX_SIDE`.
    """
    probe(path)
    with opened(path) as (file, _):
        for frame in file.decode(video=0):
            yield upright(frame)
