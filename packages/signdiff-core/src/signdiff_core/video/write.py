"""Writing a video in one go."""

from __future__ import annotations

from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from signdiff_core.atomic import replacing
from signdiff_core.video.encoding import Encoding, check_frame, group_length
from signdiff_core.video.fragments import append, write_whole

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from signdiff_core.video.info import VideoInfo


def write_video(
    path: str | os.PathLike[str], frames: Iterable[NDArray[np.uint8]], fps: float, *, crf: int = 18
) -> VideoInfo:
    """Write frames to an MP4 file as they come: memory does not grow with the length.

    Equal frames give equal files: the encoder runs in one thread. The file appears under its name when it is whole;
    `VideoWriter` writes one that plays before that, and that can be gone on with.

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
        >>> import numpy as np
        >>> with tempfile.TemporaryDirectory() as home:
        ...     grey = np.full((64, 96, 3), 128, np.uint8)
        ...     info = write_video(Path(home) / "grey.mp4", [grey] * 5, 25)
        >>> info.width, info.height, info.frames, info.seconds
        (96, 64, 5, 0.2)
    """
    encoding = Encoding(fps=fps, crf=crf)
    with replacing(path) as temporary, TemporaryFile(buffering=0, dir=Path(path).parent) as fragments:
        checked = _checked(frames)
        first = next(checked, None)
        if first is None:
            raise ValueError("frames must hold at least one frame, but is empty.")
        height, width = first.shape[:2]
        every, count, length = chain([first], checked), 0, group_length((height, width))
        while group := list(islice(every, length)):
            append(fragments, encoding.encode(group, start=count), len(group), number=count // length)
            count += len(group)
        fragments.seek(0)
        write_whole(fragments, temporary)
    return encoding.info((height, width), count)


def _checked(frames: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    shape = None
    for number, frame in enumerate(frames):
        shape = check_frame(frame, number, shape)
        yield frame
