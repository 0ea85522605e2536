"""Arrays of joints into poses, for any skeleton."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from signdiff_core.absent import masked_as_absent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from pose_format import Pose
    from pose_format.pose_header import PoseHeader


def make_header(
    components: Iterable[tuple[str, Sequence[str], Sequence[tuple[int, int]], tuple[int, int, int]]],
) -> PoseHeader:
    """Make the header of a pose in normalised coordinates.

    Args:
        components: of each its name, its joints, its limbs (pairs of its joints) and its colour (RGB, 0 to 255).
    """
    from pose_format.pose_header import PoseHeader, PoseHeaderComponent, PoseHeaderDimensions

    made = [
        PoseHeaderComponent(name, list(joints), list(limbs), [colour], "XYZC")
        for name, joints, limbs, colour in components
    ]
    return PoseHeader(version=0.2, dimensions=PoseHeaderDimensions(1, 1, 1), components=made)


def wrap(
    joints: NDArray[np.floating], fps: float, header: PoseHeader, confidence: NDArray[np.floating] | None = None
) -> Pose:
    """Wrap joint positions into a pose of one person, float32.

    Args:
        joints: (T, J, 3) normalised coordinates; what is masked is absent.
        fps: frames per second.
        header: of J joints.
        confidence: (T, J) in [0, 1]; 0 means absent. Everything is present if it is not given.

    Raises:
        ValueError: ``joints`` or ``confidence`` has another shape, or ``fps`` is not positive.
    """
    from pose_format import Pose
    from pose_format.numpy import NumPyPoseBody

    joints, confidence = masked_as_absent(joints, confidence)
    joints = joints.astype(np.float32, copy=False)
    num_joints = header.total_points()
    if joints.ndim != 3 or joints.shape[1:] != (num_joints, 3):
        raise ValueError(f"joints must have the shape (T, {num_joints}, 3), but has {joints.shape}.")
    if not fps > 0:
        raise ValueError(f"fps must be positive, but is {fps}.")
    if confidence is None:
        confidence = np.ones(joints.shape[:2], dtype=np.float32)
    confidence = np.asarray(confidence, dtype=np.float32)
    if confidence.shape != joints.shape[:2]:
        raise ValueError(f"confidence must have the shape {joints.shape[:2]}, but has {confidence.shape}.")
    return Pose(header, NumPyPoseBody(fps, joints[:, None], confidence[:, None]))
