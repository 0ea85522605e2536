"""Makes a body perform a pose: inverse kinematics on the directions of limbs, so that the body keeps its own bones.

Lengths in the data do not matter, so a body of any build can perform any signer's pose. Each bone is solved in closed
form, from the shoulders outwards: upper arms and forearms point where the data points, with the elbow as a hinge; the
palm lies as the data's metacarpals say, and the forearm shares its roll; the fingers bend and spread within the limits
of real joints. So the hands look natural even where the depth of the data is rough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from signdiff_core.avatar.hands import bend_finger, bend_thumb, finger_places, hinges, phalanges, reach_thumb, split_twist
from signdiff_core.avatar.motion import Motion
from signdiff_core.avatar.rotations import (
    Array,
    about,
    apply,
    basis,
    dot,
    nearest_rotation,
    swing,
    transpose,
    twist_angle,
    unit,
)
from signdiff_core.skeleton import (
    LEFT_ELBOW,
    LEFT_HAND,
    LEFT_SHOULDER,
    LEFT_WRIST,
    NECK,
    NOSE,
    NUM_JOINTS,
    RIGHT_ELBOW,
    RIGHT_HAND,
    RIGHT_SHOULDER,
    RIGHT_WRIST,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from signdiff_core.avatar.body import AvatarBody

_SIDES: Final = {
    "L": (LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST, LEFT_HAND.start),
    "R": (RIGHT_SHOULDER, RIGHT_ELBOW, RIGHT_WRIST, RIGHT_HAND.start),
}
_HANGING: Final = {"upper": (0.12, 0.99, 0.06), "fore": (0.04, 0.96, -0.28)}
"""Directions of a left arm that hangs relaxed (mirrored for the right one)."""

_SHOULDER_LIMIT: Final = np.radians(20.0)
_HEAD_LIMIT: Final = np.radians(30.0)
_NECK_SHARES: Final = {"neck01": 0.25, "neck02": 0.5, "neck03": 0.75, "head": 1.0}
_FOREARM_SHARES: Final = {"lowerarm01": 0.2, "lowerarm02": 0.65}
_METACARPALS: Final = ((0, 5), (0, 9), (0, 13), (0, 17), (17, 5))
_METACARPAL_WEIGHTS: Final = np.array([1.0, 1.0, 1.0, 1.0, 1.5])


def smoothed(vectors: Array, sigma: float) -> Array:
    """Fill gaps of vectors (T, N, 3) in time and smooth them by a Gaussian of ``sigma`` frames.

    A vector that no frame knows stays NaN.
    """
    time = np.arange(len(vectors))
    filled = vectors.copy()
    for n in range(vectors.shape[1]):
        known = ~np.isnan(vectors[:, n]).any(axis=1)
        if known.any() and not known.all():
            for axis in range(3):
                filled[:, n, axis] = np.interp(time, time[known], vectors[known, n, axis])
    if sigma > 0 and len(vectors) > 1:
        reach = int(np.ceil(3 * sigma))
        kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
        padded = np.pad(filled, ((reach, reach), (0, 0), (0, 0)), mode="edge")
        filled = sum(
            weight * padded[shift : shift + len(filled)] for shift, weight in enumerate(kernel / kernel.sum())
        )
    return filled


def _metacarpals(joints: Array, start: int) -> Array:
    ends = np.array(_METACARPALS) + start
    return joints[..., ends[:, 1], :] - joints[..., ends[:, 0], :]


def _fit_arm(turns: Array, body: AvatarBody, side: str, torso: Array, joints: Array, sigma: float) -> None:
    """Fill the rotations of one arm and hand into ``turns`` (T, J, 3, 3)."""
    shoulder, elbow, wrist, hand = _SIDES[side]
    rest = body.joint_rest.astype(np.float64)
    frames = len(joints)
    fingers = joints[:, hand + 1 : hand + 21].reshape(frames, 5, 4, 3)
    parts = [
        (joints[:, elbow] - joints[:, shoulder])[:, None],
        (joints[:, wrist] - joints[:, elbow])[:, None],
        _metacarpals(joints, hand),
        np.diff(fingers, axis=2).reshape(frames, 15, 3),
    ]
    directions = unit(smoothed(unit(np.concatenate(parts, axis=1)), sigma))
    mirror = np.array([1.0 if side == "L" else -1.0, 1.0, 1.0])
    for n, part in enumerate(("upper", "fore")):
        hanging = unit(np.array(_HANGING[part]) * mirror)
        directions[:, n] = np.where(np.isnan(directions[:, n]), hanging, directions[:, n])
    upper, fore, palm, finger = (
        directions[:, 0],
        directions[:, 1],
        directions[:, 2:7],
        directions[:, 7:].reshape(frames, 5, 3, 3),
    )

    upper_rest, fore_rest = unit(rest[elbow] - rest[shoulder]), unit(rest[wrist] - rest[elbow])
    hinge_rest = unit(np.cross(upper_rest, fore_rest))
    plain = swing(apply(torso, np.broadcast_to(upper_rest, upper.shape)), upper) @ torso
    hinge = np.cross(upper, fore) + 0.15 * apply(plain, hinge_rest)
    whole = basis(upper, hinge) @ basis(upper_rest, hinge_rest).T
    roll = twist_angle(whole @ transpose(plain), upper)
    turns[:, body.bone(f"upperarm01.{side}")] = about(upper, roll * 0.5) @ plain
    turns[:, body.bone(f"upperarm02.{side}")] = whole
    forearm = swing(apply(whole, fore_rest), fore) @ whole

    palm_rest = unit(_metacarpals(rest, hand))
    known = ~np.isnan(palm).any(axis=-1)
    if known.sum(axis=1).min() >= 3:
        weight = _METACARPAL_WEIGHTS * known
        wrist_turn = nearest_rotation(np.broadcast_to(palm_rest, palm.shape), np.nan_to_num(palm), weight)
    else:
        wrist_turn = forearm
    twist = split_twist(wrist_turn, forearm, fore)
    for bone, share in _FOREARM_SHARES.items():
        turns[:, body.bone(f"{bone}.{side}")] = about(fore, twist * share) @ forearm
    turns[:, body.bone(f"wrist.{side}")] = wrist_turn

    seen = apply(transpose(wrist_turn)[:, None, None], finger)
    bones, axes = phalanges(body, side), hinges(body, side)
    solved = np.stack([bend_finger(seen[:, n], bones[n], axes[n]) for n in range(1, 5)], axis=1)

    own = rest[hand : hand + 21]
    points = apply(transpose(wrist_turn)[:, None], joints[:, hand : hand + 21] - joints[:, wrist, None])
    palmwards = np.cross(axes[2], bones[2, 0])
    aims = reach_thumb(smoothed(points, sigma), finger_places(solved, own), own, palmwards)
    solved = np.concatenate([bend_thumb(aims, bones[0], axes[0])[:, None], solved], axis=1)
    for number in range(5):
        for joint in range(3):
            turns[:, body.bone(f"finger{number + 1}-{joint + 1}.{side}")] = wrist_turn @ solved[:, number, joint]


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
    joints = np.asarray(joints, dtype=np.float64)
    if joints.ndim != 3 or joints.shape[1:] != (NUM_JOINTS, 3) or not len(joints):
        raise ValueError(f"joints must have the shape (T, {NUM_JOINTS}, 3) with T > 0, but has {joints.shape}.")
    if smoothing < 0:
        raise ValueError(f"smoothing must be at least 0, but is {smoothing}.")
    if confidence is not None:
        if np.shape(confidence) != joints.shape[:2]:
            raise ValueError(f"confidence must have the shape {joints.shape[:2]}, but has {np.shape(confidence)}.")
        joints = np.where(np.asarray(confidence)[..., None] > 0, joints, np.nan)

    rest = body.joint_rest.astype(np.float64)
    frames = len(joints)
    spine = np.stack([joints[:, LEFT_SHOULDER] - joints[:, RIGHT_SHOULDER], joints[:, NOSE] - joints[:, NECK]], axis=1)
    spine = unit(smoothed(unit(spine), smoothing))
    ahead = unit(rest[NOSE] - rest[NECK])
    across = np.array([1.0, 0.0, 0.0])
    shoulders = np.where(np.isnan(spine[:, 0]), across, spine[:, 0])
    torso = swing(np.broadcast_to(across, shoulders.shape), shoulders, limit=_SHOULDER_LIMIT)
    facing = apply(torso, np.broadcast_to(ahead, shoulders.shape))
    nod = swing(facing, np.where(np.isnan(spine[:, 1]), facing, spine[:, 1]), limit=_HEAD_LIMIT)
    axis = np.stack([nod[:, 2, 1] - nod[:, 1, 2], nod[:, 0, 2] - nod[:, 2, 0], nod[:, 1, 0] - nod[:, 0, 1]], axis=1)
    axis = np.where(np.linalg.norm(axis, axis=1, keepdims=True) > 1e-9, axis, across)
    angle = np.arccos(np.clip((np.trace(nod, axis1=1, axis2=2) - 1) / 2, -1, 1))

    turns = np.full((frames, len(body.heads), 3, 3), np.nan)
    turns[:, 0] = torso
    for bone, share in _NECK_SHARES.items():
        turns[:, body.bone(bone)] = about(unit(axis), angle * share) @ torso
    for side in "LR":
        _fit_arm(turns, body, side, torso, joints, smoothing)
    for bone, parent in enumerate(body.cast.parents):
        if np.isnan(turns[:, bone]).any():
            turns[:, bone] = turns[:, parent]
    return Motion(body=body, turns=turns.astype(np.float32))


def direction_errors(found: NDArray[np.floating], wanted: NDArray[np.floating]) -> Array:
    """Measure the angles between the limbs of two poses.

    Args:
        found: (..., 50, 3) joints.
        wanted: (..., 50, 3) joints; lengths do not matter.

    Returns:
        (..., limbs) degrees, in the order of `signdiff_core.skeleton.LIMBS`.
    """
    from signdiff_core.skeleton import LIMBS

    ends = np.array(LIMBS)
    a, b = (unit(np.asarray(j, dtype=np.float64)[..., ends[:, 1], :] - j[..., ends[:, 0], :]) for j in (found, wanted))
    return np.degrees(np.arccos(np.clip(dot(a, b), -1, 1)))  # type: ignore[no-any-return]
