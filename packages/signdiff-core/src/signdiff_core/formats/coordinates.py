"""Coordinates: what one can be, and normalised ones, with the neck at the origin and the shoulders 1/3 apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core.landmarks import has_loose_depth, to_skeleton
from signdiff_core.skeleton import (
    LEFT_SHOULDER,
    NECK,
    RIGHT_SHOULDER,
    SHOULDER_WIDTH,
    joints_of,
    masked_as_absent,
    skeleton_of,
)

if TYPE_CHECKING:  # pose_format is heavy to import
    from pose_format import Pose

LARGEST: Final = 1_000_000
"""Largest absolute value of a coordinate; pictures have less than 65,536 pixels a side."""

_AT_ONCE: Final = 1 << 22


def outside(values: NDArray[np.floating], absent: NDArray[np.bool_] | None = None) -> tuple[int, ...] | None:
    """Find the index of the first value that no coordinate can have: NaN, infinity, or beyond `LARGEST`.

    What is true in `absent` is not looked at; None if all are in bounds.

    Example:
        >>> outside(np.array([[0.5, 2.0], [1e30, np.nan]]))
        (1, 0)
    """
    step = max(1, _AT_ONCE // max(1, values[:1].size))
    for start in range(0, len(values), step):
        # Written so that NaN, which compares as false, is outside.
        wrong = ~(np.abs(values[start : start + step]) <= LARGEST)
        if absent is not None:
            wrong &= ~absent[start : start + step]
        if wrong.any():
            frame, *rest = np.unravel_index(int(wrong.argmax()), wrong.shape)
            return (start + int(frame), *map(int, rest))
    return None


def normalise(joints: NDArray[np.floating], confidence: NDArray[np.floating]) -> NDArray[np.float64]:
    """Bring joints to normalised coordinates.

    Every frame is moved so that its neck is the origin; in frames without a neck, the nearest frame's is taken. One
    factor for all frames, from the median distance of the shoulders where both are present, makes them 1/3 apart.

    Args:
        joints: (T, J, 2 or 3) positions in any unit, y downwards, the 50 joints first; what is masked is absent.
        confidence: (T, J); 0 means absent.

    Returns:
        Array of the shape of ``joints``, with absent joints at 0.

    Raises:
        ValueError: no frame has a neck, or no frame has both shoulders, apart; or these are so near to each other that
            nothing sensible comes out.

    Example:
        >>> joints = np.zeros((1, 50, 2))
        >>> joints[0, [1, 2, 5]] = (320, 200), (260, 200), (380, 200)
        >>> normalise(joints, np.ones((1, 50)))[0, [1, 2, 5]].round(3).tolist()
        [[0.0, 0.0], [-0.167, 0.0], [0.167, 0.0]]
    """
    joints, confidence = masked_as_absent(joints, confidence)  # type: ignore[assignment]
    present = confidence > 0
    with_neck = np.flatnonzero(present[:, NECK])
    both = present[:, LEFT_SHOULDER] & present[:, RIGHT_SHOULDER]
    width = np.linalg.norm(joints[both, LEFT_SHOULDER] - joints[both, RIGHT_SHOULDER], axis=-1)
    width = width[width > 0]
    if not len(with_neck) or not len(width):
        raise ValueError("joints must hold a neck and both shoulders in some frame, but they are absent.")
    nearest = with_neck[np.abs(np.arange(len(joints))[:, None] - with_neck).argmin(axis=1)]
    moved = joints.astype(np.float64) - joints[nearest, NECK][:, None]
    result: NDArray[np.float64] = np.where(present[..., None], moved * (SHOULDER_WIDTH / np.median(width)), 0.0)
    if outside(result) is not None:
        raise ValueError(
            f"joints must be within {LARGEST} of the neck where the shoulders are 1/3 apart, but are farther: the "
            f"shoulders are {np.median(width):g} apart."
        )
    return result


def is_normalised(pose: Pose) -> bool:
    """Tell whether a pose is in normalised coordinates: its header says that the picture is 1 wide and 1 high.

    Readers of pixel formats put the picture's size there instead.
    """
    return (pose.header.dimensions.width, pose.header.dimensions.height) == (1, 1)


def normalised(pose: Pose) -> Pose:
    """Give a pose in normalised coordinates, with a face if it has one.

    Args:
        pose: a pose of one person: of either skeleton, in pixels or normalised already, or as detectors leave it
            (MediaPipe Holistic, OpenPose), in pixels.

    Returns:
        The pose itself if it is normalised, else a new one. Depth as a detector gives it, which has another size than
        width and height, is left out: `signdiff_core.lifting` makes use of it.

    Raises:
        ValueError: it has another skeleton or several people, or `normalise` finds no shoulders.
    """
    pose = to_skeleton(pose)
    skeleton = skeleton_of(pose)
    joints, confidence = skeleton.arrays(pose)
    if is_normalised(pose):
        return pose
    if has_loose_depth(pose):
        joints[..., 2] = 0
    return skeleton.make_pose(normalise(joints, confidence).astype(np.float32), pose.body.fps, confidence=confidence)


def visible(pose: Pose) -> Pose:
    """Give a pose in normalised coordinates that can be drawn: in some frame there is somebody.

    Args:
        pose: as of `normalised`.

    Returns:
        As of `normalised`.

    Raises:
        ValueError: as of `normalised`, or all joints are absent in all frames.
    """
    pose = to_skeleton(pose)
    if not joints_of(pose)[1].any():
        raise ValueError(
            f"pose must show somebody, but all joints are absent in all of its {len(pose.body.data)} frames."
        )
    return normalised(pose)
