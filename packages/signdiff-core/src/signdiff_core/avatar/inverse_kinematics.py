"""Makes a body perform a pose: inverse kinematics on the directions of limbs, so that the body keeps its own bones.

Lengths in the data do not matter, so a body of any build can perform any signer's pose. Each bone is solved in closed
form, from the shoulders outwards: upper arms and forearms point where the data points, with the elbow as a hinge; the
palm lies as the data's metacarpals say, and the forearm shares its roll; the fingers bend and spread within the limits
of real joints. So the hands look natural even where the depth of the data is rough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from signdiff_core.avatar.arms import fit_arm
from signdiff_core.avatar.motion import Motion
from signdiff_core.avatar.rotations import Array, about, apply, dot, swing, unit
from signdiff_core.avatar.smoothing import smoothed_direction
from signdiff_core.skeleton import (
    LEFT_HAND,
    LEFT_SHOULDER,
    LEFT_WRIST,
    LIMBS,
    NECK,
    NOSE,
    NUM_JOINTS,
    RIGHT_HAND,
    RIGHT_SHOULDER,
    RIGHT_WRIST,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from signdiff_core.avatar.body import AvatarBody

_SHOULDER_LIMIT: Final = np.radians(20.0)
_HEAD_LIMIT: Final = np.radians(30.0)
_NECK_SHARES: Final = {"neck01": 0.25, "neck02": 0.5, "neck03": 0.75, "head": 1.0}


def fit(
    body: AvatarBody,
    joints: NDArray[np.floating],
    confidence: NDArray[np.floating] | None = None,
    *,
    smoothing: float = 0.6,
) -> Motion:
    """Make a body perform a pose.

    Args:
        body: the body; it keeps its own bones.
        joints: (T, 50, 3) normalised coordinates of any signer; NaN where unknown.
        confidence: (T, 50) in [0, 1]; a joint with 0 is unknown. An arm that no frame knows hangs relaxed.
        smoothing: standard deviation, in frames, of the Gaussian that smooths directions in time; 0 for none.

    Returns:
        The body's motion, T frames.

    Raises:
        ValueError: ``joints`` or ``confidence`` has another shape, or ``smoothing`` is negative.
    """
    if np.ndim(joints) != 3 or np.shape(joints)[1:] != (NUM_JOINTS, 3) or not len(joints):
        raise ValueError(f"joints must have the shape (T, {NUM_JOINTS}, 3) with T > 0, but has {np.shape(joints)}.")
    if confidence is not None and np.shape(confidence) != np.shape(joints)[:2]:
        raise ValueError(f"confidence must have the shape {np.shape(joints)[:2]}, but has {np.shape(confidence)}.")
    if smoothing < 0:
        raise ValueError(f"smoothing must be at least 0, but is {smoothing}.")
    points = _known(joints, confidence)
    turns = np.full((len(points), len(body.heads), 3, 3), np.nan, dtype=np.float32)
    torso = _fit_trunk(turns, body, points, smoothing)
    for side in "LR":
        fit_arm(turns, body, side, torso, points, smoothing)
    for bone, parent in enumerate(body.cast.parents):
        if np.isnan(turns[:, bone]).any():
            turns[:, bone] = turns[:, parent]
    return Motion(body=body, turns=turns)


def _known(joints: NDArray[np.floating], confidence: NDArray[np.floating] | None) -> Array:
    """Mark unknown joints by NaN; a wrist that only the body or only the hand knows serves both."""
    points: Array = np.array(joints, dtype=np.float64)
    if confidence is not None:
        points[~(np.asarray(confidence) > 0)] = np.nan
    for wrist, hand in ((LEFT_WRIST, LEFT_HAND.start), (RIGHT_WRIST, RIGHT_HAND.start)):
        for one, other in ((wrist, hand), (hand, wrist)):
            points[:, one] = np.where(np.isnan(points[:, one]), points[:, other], points[:, one])
    return points


def _fit_trunk(turns: NDArray[np.float32], body: AvatarBody, points: Array, sigma: float) -> Array:
    """Fill the rotations of trunk, neck and head into ``turns``; return the trunk's (T, 3, 3)."""
    across = smoothed_direction(points[:, LEFT_SHOULDER] - points[:, RIGHT_SHOULDER], sigma)
    upwards = smoothed_direction(points[:, NOSE] - points[:, NECK], sigma)
    level = np.array([1.0, 0.0, 0.0])
    shoulders = np.where(np.isnan(across), level, across)
    torso = swing(np.broadcast_to(level, shoulders.shape), shoulders, limit=_SHOULDER_LIMIT)

    rest = body.joint_rest.astype(np.float64)
    ahead = apply(torso, np.broadcast_to(unit(rest[NOSE] - rest[NECK]), shoulders.shape))
    wanted = np.where(np.isnan(upwards), ahead, upwards)
    axis = np.cross(ahead, wanted)
    sine = np.linalg.norm(axis, axis=1)
    axis = np.where(sine[:, None] > 1e-9, axis / np.maximum(sine, 1e-9)[:, None], level)
    angle = np.minimum(np.arctan2(sine, dot(ahead, wanted)), _HEAD_LIMIT)
    turns[:, 0] = torso
    for bone, share in _NECK_SHARES.items():
        turns[:, body.bone(bone)] = about(axis, angle * share) @ torso
    return torso


def direction_errors(found: NDArray[np.floating], wanted: NDArray[np.floating]) -> Array:
    """Measure the angles between the limbs of two poses.

    Args:
        found: (..., 50, 3) joints.
        wanted: (..., 50, 3) joints; lengths do not matter.

    Returns:
        (..., limbs) degrees, in the order of `signdiff_core.skeleton.LIMBS`.
    """
    ends = np.array(LIMBS)
    a, b = (unit(np.asarray(j, dtype=np.float64)[..., ends[:, 1], :] - j[..., ends[:, 0], :]) for j in (found, wanted))
    return np.degrees(np.arccos(np.clip(dot(a, b), -1, 1)))
