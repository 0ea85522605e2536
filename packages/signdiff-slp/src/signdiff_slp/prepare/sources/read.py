"""Read a clip of any kind."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from signdiff_core.video import probe
from signdiff_slp.prepare.sources.detections import Detections
from signdiff_slp.prepare.sources.dwpose import read_dwpose
from signdiff_slp.prepare.sources.h5_file import read_h5
from signdiff_slp.prepare.sources.mediapipe_file import read_mediapipe
from signdiff_slp.prepare.sources.openpose import read_openpose
from signdiff_slp.prepare.sources.pose_file import read_pose_file
from signdiff_slp.prepare.sources.video import detect_in_video

if TYPE_CHECKING:
    from signdiff_slp.prepare.sources.find import Source

DEFAULT_FPS: Final = 25.0
"""Frames per second where nothing tells; the clip's notes say that it was taken."""


def read(source: Source, fps: float | None = None, *, size: tuple[int, int] | None = None) -> Detections:
    """Read what a detector saw in a clip.

    Args:
        source: where it is.
        fps: frames per second of clips that do not tell theirs: JSON and h5 without a video; `DEFAULT_FPS` if not
            given.
        size: width and height, in pixels, of the picture of such clips.

    Raises:
        FormatError: the clip is broken, empty or too large; the message names the file and the place.
        VideoError: its video is broken.
        ValueError: ``fps`` is not positive, or ``size`` is missing for positions that are shares of the picture.
        ModuleNotFoundError: the kind needs a package that is missing.
    """
    if fps is not None and not (math.isfinite(fps) and fps > 0):
        raise ValueError(f"fps must be positive, but is {fps}.")
    if source.kind == "mediapipe":
        return read_mediapipe(source.path, source.name)
    if source.kind == "pose":
        return read_pose_file(source.path, source.name)
    if source.kind == "video":
        return detect_in_video(source.path, source.name)
    notes: tuple[str, ...] = ()
    if source.video is not None:
        info = probe(source.video)
        fps, size = info.fps or fps, (info.width, info.height)
    if fps is None:
        fps, notes = DEFAULT_FPS, (f"nothing tells the frame rate: {DEFAULT_FPS:g} was taken",)
    if source.kind == "openpose":
        people = read_openpose(source.path)
    elif source.kind == "dwpose":
        people = read_dwpose(source.path, size)
    else:
        people = read_h5(source.path, source.name)
    return Detections(name=source.name, people=people, fps=fps, size=size, notes=notes)
