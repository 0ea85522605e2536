"""Poses without depth, or with that of a detector, which has no unit: told, and lifted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from signdiff_core import skeleton
from signdiff_core.formats.coordinates import normalise, visible
from signdiff_core.landmarks import has_loose_depth, to_skeleton
from signdiff_core.lifting.clip import HANGING, lift

if TYPE_CHECKING:  # pose_format is heavy to import
    from pose_format import Pose


def needs_lifting(pose: Pose) -> bool:
    """Tell whether a pose has no depth that can be used: none at all, or a detector's, whose unit nobody knows.

    Args:
        pose: a pose of one person, as of `signdiff_core.formats.normalised`.
    """
    pose = to_skeleton(pose)
    return has_loose_depth(pose) or is_flat(*skeleton.joints_of(pose))


def with_depth(pose: Pose) -> Pose:
    """Give a pose as `signdiff_core.formats.visible` does, but with depth: it is lifted where it `needs_lifting`."""
    flat = visible(pose)
    return lift_pose(pose) if needs_lifting(pose) else flat


def is_flat(joints: NDArray[np.floating], confidence: NDArray[np.floating]) -> bool:
    """Tell whether all joints (T, 50, 3) that are there, by confidences (T, 50), have one depth."""
    depth = joints[confidence > 0][:, 2]
    return bool(len(depth) and np.ptp(depth) == 0)


def lift_pose(pose: Pose) -> Pose:
    """Lift a pose into space.

    Args:
        pose: a pose of one person, as of `signdiff_core.formats.normalised`, that `needs_lifting`. What a detector says
            of the depth in hands and face counts; what it says of arms does not.

    Returns:
        A pose of the same skeleton in normalised coordinates, with the same joints absent.

    Raises:
        ValueError: no frame shows both shoulders, or the pose has another skeleton or several people.
    """
    pose = to_skeleton(pose)
    kind, loose = skeleton.skeleton_of(pose), has_loose_depth(pose)
    points, confidence = kind.arrays(pose)
    own, body = points.astype(np.float64), slice(0, skeleton.NUM_JOINTS)
    lifted = _lifted(own[:, body], confidence[:, body], depth=loose)
    around = own[:, body.stop :] * [1, 1, loose]
    around[..., 2] += lifted[:, skeleton.NOSE, None, 2]
    present = np.concatenate([np.ones(lifted.shape[:2]), confidence[:, body.stop :]], axis=1)
    whole = normalise(np.concatenate([lifted, around], axis=1), present)
    whole[confidence <= 0] = 0
    return kind.make_pose(whole.astype(np.float32), float(pose.body.fps), confidence=confidence)


def _lifted(joints: NDArray[np.floating], confidence: NDArray[np.floating], *, depth: bool) -> NDArray[np.float64]:
    """Lift joints (T, 50, 3) in their own unit, absent ones filled; an arm whose elbow or wrist no frame knows hangs.

    `depth` says that z of the hands counts from their wrists in the unit of width and height.
    """
    seen = np.array(joints, dtype=np.float64)
    sure = np.array(confidence, dtype=np.float64)
    shoulders = [skeleton.RIGHT_SHOULDER, skeleton.LEFT_SHOULDER]
    both = (sure[:, shoulders] > 0).all(axis=1)
    width = np.linalg.norm(np.diff(seen[both][:, shoulders, :2], axis=1), axis=-1)
    if not (width > 0).any():
        raise ValueError("pose must show both shoulders, apart, in some frame, but never does.")
    for shoulder, side in zip(shoulders, (-1, 1), strict=True):
        for joint, place in zip((shoulder + 1, shoulder + 2), HANGING, strict=True):
            if not sure[:, joint].any():
                seen[:, joint, :2] = seen[:, shoulder, :2] + np.median(width) * np.array([side, 1]) * place
                sure[:, joint] = 0.1 * sure[:, shoulder]
    z = np.full((*sure.shape, 1), np.nan)
    if depth:
        hands = slice(skeleton.LEFT_HAND.start, skeleton.NUM_JOINTS)
        z[:, hands] = seen[:, hands, 2:]
    return lift(np.concatenate([seen[..., :2], z, sure[..., None]], axis=-1))
