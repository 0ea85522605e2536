"""Poses without depth: told, and lifted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from signdiff_core.formats.coordinates import is_normalised, normalise
from signdiff_core.skeleton import joints_of, make_pose

if TYPE_CHECKING:  # pose_format is heavy to import
    from pose_format import Pose


def needs_lifting(pose: Pose) -> bool:
    """Tell whether a pose, of the 50 joints at least, shows joints, but all of them at one depth."""
    joints, confidence = joints_of(pose)
    depth = joints[confidence > 0, 2]
    return bool(len(depth) and np.ptp(depth) == 0)


def lift_pose(pose: Pose) -> Pose:
    """Lift a pose of the 50 joints without depth into space: normalised coordinates, absent joints filled.

    Raises ValueError as `lift` does.
    """
    from signdiff_core.lifting.clip import lift

    joints, confidence = joints_of(pose)
    scale = 1000.0 if is_normalised(pose) else 1.0
    points = np.concatenate([joints[..., :2] * scale, confidence[..., None]], axis=-1)
    lifted = lift(points)
    whole = normalise(lifted, np.ones(lifted.shape[:2])).astype(np.float32)
    return make_pose(whole, float(pose.body.fps))
