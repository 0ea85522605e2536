"""The 50-joint skeleton on which every part of SignDiff agrees.

OpenPose's upper body (joints 0 to 7), then the left hand (8 to 28), then the right hand (29 to 49): the joints of
Progressive Transformers' ``.skels`` files. "Left" and "right" are the signer's own.

Normalised coordinates: the neck is the origin, the shoulders are 1/3 apart. x grows to the viewer's right, y grows
downwards, z grows away from the viewer. A signer who faces the viewer has the right shoulder at negative x.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from signdiff_core.absent import masked_as_absent
from signdiff_core.wrapping import make_header, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pose_format import Pose
    from pose_format.pose_header import PoseHeader

NUM_JOINTS: Final = 50
"""Joints of a frame."""

SHOULDER_WIDTH: Final = 1 / 3
"""Distance between the shoulders in normalised coordinates."""

BODY_JOINTS: Final = (
    "NOSE",
    "NECK",
    "RIGHT_SHOULDER",
    "RIGHT_ELBOW",
    "RIGHT_WRIST",
    "LEFT_SHOULDER",
    "LEFT_ELBOW",
    "LEFT_WRIST",
)
"""OpenPose body joints 0 to 7."""

HAND_JOINTS: Final = (
    "WRIST",
    *(f"{finger}_{joint}" for finger in ("THUMB",) for joint in ("CMC", "MCP", "IP", "TIP")),
    *(
        f"{finger}_{joint}"
        for finger in ("INDEX_FINGER", "MIDDLE_FINGER", "RING_FINGER", "PINKY")
        for joint in ("MCP", "PIP", "DIP", "TIP")
    ),
)
"""The 21 joints of a hand, in the order of OpenPose and of MediaPipe."""

BODY: Final = slice(0, 8)
LEFT_HAND: Final = slice(8, 29)
RIGHT_HAND: Final = slice(29, 50)

NOSE, NECK, RIGHT_SHOULDER, RIGHT_ELBOW, RIGHT_WRIST, LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST = range(8)

BODY_LIMBS: Final = ((0, 1), (1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7))
"""Pairs of body joints (parent first, but for nose and neck) that a limb connects."""

HAND_LIMBS: Final = tuple(
    (0 if joint == 0 else 4 * finger + joint, 4 * finger + joint + 1) for finger in range(5) for joint in range(4)
)
"""Pairs of joints within a hand; index 0 is the wrist."""

LIMBS: Final = (
    *BODY_LIMBS,
    *((a + LEFT_HAND.start, b + LEFT_HAND.start) for a, b in HAND_LIMBS),
    *((a + RIGHT_HAND.start, b + RIGHT_HAND.start) for a, b in HAND_LIMBS),
)
"""All pairs of joints (0 to 49) that a limb connects. A hand's own wrist joint lies on the body's wrist."""

_COMPONENTS: Final = (
    ("BODY", BODY_JOINTS, BODY_LIMBS, (255, 128, 0)),
    ("LEFT_HAND", HAND_JOINTS, HAND_LIMBS, (0, 160, 255)),
    ("RIGHT_HAND", HAND_JOINTS, HAND_LIMBS, (0, 200, 80)),
)


def pose_header() -> PoseHeader:
    """Make the header of a pose that holds the 50 joints, as components BODY, LEFT_HAND and RIGHT_HAND."""
    return make_header(_COMPONENTS)


def make_pose(joints: NDArray[np.floating], fps: float, *, confidence: NDArray[np.floating] | None = None) -> Pose:
    """Wrap joint positions into a pose.

    Args:
        joints: (T, 50, 3) normalised coordinates; what is masked is absent.
        fps: frames per second.
        confidence: (T, 50) in [0, 1]; 0 means absent. Everything is present if it is not given.

    Returns:
        A pose of T frames and one person, float32, whose header is `pose_header()`.

    Raises:
        ValueError: ``joints`` or ``confidence`` has another shape, or ``fps`` is not positive.
    """
    return wrap(joints, fps, pose_header(), confidence)


def is_skeleton(pose: Pose) -> bool:
    """Tell whether a pose holds exactly the 50 joints, in their order."""
    ours = [(name, list(joints)) for name, joints, _, _ in _COMPONENTS]
    return [(component.name, list(component.points)) for component in pose.header.components] == ours


def joints_of(pose: Pose) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Take the 50 joints out of a pose of one person.

    Args:
        pose: a pose with the components of `pose_header()`.

    Returns:
        Positions (T, 50, 3), absent joints as 0, and confidences (T, 50).

    Raises:
        ValueError: the pose has another skeleton, or more than one person.
    """
    if not is_skeleton(pose):
        names = ", ".join(f"{component.name} ({len(component.points)})" for component in pose.header.components)
        raise ValueError(f"pose must have the components BODY (8), LEFT_HAND (21), RIGHT_HAND (21), but has {names}.")
    people = pose.body.data.shape[1]
    if people != 1:
        raise ValueError(f"pose must hold one person, but holds {people}.")
    joints, confidence = masked_as_absent(pose.body.data[:, 0], pose.body.confidence[:, 0])
    return joints.astype(np.float32), np.asarray(confidence, dtype=np.float32)


def limb_lengths(joints: NDArray[np.floating], limbs: Sequence[tuple[int, int]] = LIMBS) -> NDArray[np.floating]:
    """Measure limbs.

    Args:
        joints: (..., 50, 3) positions.
        limbs: pairs of joints.

    Returns:
        (..., number of limbs) distances, in the unit of ``joints``.
    """
    ends = np.asarray(limbs)
    return np.linalg.norm(joints[..., ends[:, 1], :] - joints[..., ends[:, 0], :], axis=-1)  # type: ignore[no-any-return]
