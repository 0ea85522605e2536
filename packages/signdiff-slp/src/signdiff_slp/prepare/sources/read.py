"""Read a clip of any kind."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import numpy as np

from signdiff_core import formats
from signdiff_core.landmarks import landmarks_of
from signdiff_core.video.reading import probe
from signdiff_slp.prepare.sources.detections import MAX_FRAMES, MAX_PLACES, Detections, as_points
from signdiff_slp.prepare.sources.find import Source
from signdiff_slp.prepare.sources.h5_file import read_h5
from signdiff_slp.prepare.sources.json_folders import read_dwpose, read_openpose
from signdiff_slp.prepare.sources.mediapipe import detect_in_video, read_mediapipe

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


def read_pose_file(path: Path, name: str) -> Detections:
    """Read a ``.pose`` file of the 50 joints, OpenPose or MediaPipe Holistic, of any number of people. Depth is left.

    Args:
        path: the file.
        name: of the clip.

    Raises:
        FormatError: the file is broken, has another skeleton, or is in normalised coordinates.
    """
    from pose_format import Pose
    from pose_format.numpy import NumPyPoseBody

    pose = formats.read(path, format="pose")
    if formats.is_normalised(pose):
        raise formats.FormatError(
            path, "expected positions in pixels, but they are normalised: 'signdiff-slp corpus poses' imports them."
        )
    frames, count = pose.body.data.shape[:2]
    if frames > MAX_FRAMES or frames * count > MAX_PLACES:
        raise formats.FormatError(path, f"expected at most {MAX_FRAMES} frames, but found {frames} of {count} people.")
    people = []
    for number in range(count):
        data, confidence = pose.body.data[:, number : number + 1], pose.body.confidence[:, number : number + 1]
        try:
            found = landmarks_of(Pose(pose.header, NumPyPoseBody(pose.body.fps, data, confidence)))
        except ValueError as error:
            raise formats.FormatError(path, f"{error}") from error
        people.append(as_points(found.joints[..., :2], found.confidence))
    size = (int(pose.header.dimensions.width), int(pose.header.dimensions.height))
    return Detections(name=name, people=np.stack(people, axis=1), fps=float(pose.body.fps), size=size)
