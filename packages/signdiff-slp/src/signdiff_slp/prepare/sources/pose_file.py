"""``.pose`` files of two-dimensional keypoints in pixels: the 50 joints, OpenPose or MediaPipe Holistic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from signdiff_core import formats
from signdiff_core.landmarks import landmarks_of
from signdiff_slp.prepare.sources.detections import MAX_FRAMES, MAX_PLACES, Detections, as_points

if TYPE_CHECKING:
    from pathlib import Path


def read_pose_file(path: Path, name: str) -> Detections:
    """Read a ``.pose`` file of any number of people. Depth is left.

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
