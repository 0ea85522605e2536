"""Makes a body perform a pose: inverse kinematics on the directions of limbs, so that the body keeps its own bones.

Lengths in the data do not matter, so a body of any build can perform any signer's pose. Each bone is solved in closed
form, from the shoulders outwards: upper arms and forearms point where the data points, with the elbow as a hinge; the
palm lies as the data's metacarpals say, and the forearm shares its roll; the fingers bend and spread within the limits
of real joints. So the hands look natural even where the depth of the data is rough.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core import skeleton
from signdiff_core.avatar.body import AvatarBody, Motion
from signdiff_core.avatar.hands import bend_finger, bend_thumb, finger_places, hinges, phalanges, reach_thumb
from signdiff_core.avatar.rotations import (
    Array,
    about,
    apply,
    basis,
    dot,
    nearest_rotation,
    smoothed,
    smoothed_direction,
    swing,
    transpose,
    twist_angle,
    unit,
)

_SHOULDER_LIMIT: Final = np.radians(20.0)
_HEAD_LIMIT: Final = np.radians(30.0)
_NECK_SHARES: Final = {"neck01": 0.25, "neck02": 0.5, "neck03": 0.75, "head": 1.0}
_SIDES: Final = {
    "L": (skeleton.LEFT_SHOULDER, skeleton.LEFT_ELBOW, skeleton.LEFT_WRIST, skeleton.LEFT_HAND.start),
    "R": (skeleton.RIGHT_SHOULDER, skeleton.RIGHT_ELBOW, skeleton.RIGHT_WRIST, skeleton.RIGHT_HAND.start),
}
_HANGING: Final = {"upper": (0.12, 0.99, 0.06), "fore": (0.04, 0.96, -0.28)}
"""Directions of a left arm that hangs relaxed (mirrored for the right one)."""

_FOREARM_SHARES: Final = {"lowerarm01": 0.2, "lowerarm02": 0.65}
_BLOCK: Final = 128
"""Frames whose fingers are fitted at once: their many angles take memory."""

_METACARPALS: Final = ((0, 5), (0, 9), (0, 13), (0, 17), (17, 5))
_PHALANGES: Final = tuple((joint, joint + 1) for first in range(1, 21, 4) for joint in range(first, first + 3))
_METACARPAL_WEIGHTS: Final = np.array([1.0, 1.0, 1.0, 1.0, 1.5])


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
    if np.ndim(joints) != 3 or np.shape(joints)[1:] != (skeleton.NUM_JOINTS, 3) or not len(joints):
        raise ValueError(
            f"joints must have the shape (T, {skeleton.NUM_JOINTS}, 3) with T > 0, but has {np.shape(joints)}."
        )
    if confidence is not None and np.shape(confidence) != np.shape(joints)[:2]:
        raise ValueError(f"confidence must have the shape {np.shape(joints)[:2]}, but has {np.shape(confidence)}.")
    if smoothing < 0:
        raise ValueError(f"smoothing must be at least 0, but is {smoothing}.")
    points = _known(joints, confidence)
    turns = np.full((len(points), len(body.heads), 3, 3), np.nan, dtype=np.float32)
    torso = _fit_trunk(turns, body, points, smoothing)
    for side in "LR":
        _fit_arm(turns, body, side, torso, points, smoothing)
    for bone, parent in enumerate(body.cast.parents):
        if np.isnan(turns[:, bone]).any():
            turns[:, bone] = turns[:, parent]
    return Motion(body=body, turns=turns)


def _known(joints: NDArray[np.floating], confidence: NDArray[np.floating] | None) -> Array:
    """Mark unknown joints by NaN; a wrist that only the body or only the hand knows serves both."""
    points: Array = np.array(joints, dtype=np.float64)
    if confidence is not None:
        points[~(np.asarray(confidence) > 0)] = np.nan
    for _, _, wrist, hand in _SIDES.values():
        for one, other in ((wrist, hand), (hand, wrist)):
            points[:, one] = np.where(np.isnan(points[:, one]), points[:, other], points[:, one])
    return points


def _fit_trunk(turns: NDArray[np.float32], body: AvatarBody, points: Array, sigma: float) -> Array:
    """Fill the rotations of trunk, neck and head into ``turns``; return the trunk's (T, 3, 3)."""
    across = smoothed_direction(points[:, skeleton.LEFT_SHOULDER] - points[:, skeleton.RIGHT_SHOULDER], sigma)
    upwards = smoothed_direction(points[:, skeleton.NOSE] - points[:, skeleton.NECK], sigma)
    level = np.array([1.0, 0.0, 0.0])
    shoulders = np.where(np.isnan(across), level, across)
    torso = swing(np.broadcast_to(level, shoulders.shape), shoulders, limit=_SHOULDER_LIMIT)

    rest = body.joint_rest.astype(np.float64)
    ahead = apply(torso, np.broadcast_to(unit(rest[skeleton.NOSE] - rest[skeleton.NECK]), shoulders.shape))
    wanted = np.where(np.isnan(upwards), ahead, upwards)
    axis = np.cross(ahead, wanted)
    sine = np.linalg.norm(axis, axis=1)
    axis = np.where(sine[:, None] > 1e-9, axis / np.maximum(sine, 1e-9)[:, None], level)
    angle = np.minimum(np.arctan2(sine, dot(ahead, wanted)), _HEAD_LIMIT)
    turns[:, 0] = torso
    for bone, share in _NECK_SHARES.items():
        turns[:, body.bone(bone)] = about(axis, angle * share) @ torso
    return torso


def _fit_arm(
    turns: NDArray[np.float32], body: AvatarBody, side: str, torso: Array, joints: Array, sigma: float
) -> None:
    """Fill in the rotations (T, J, 3, 3) of an arm, "L" or "R", with its hand.

    `torso` holds the rotations (T, 3, 3) of the trunk, `joints` the pose (T, 50, 3), NaN where unknown; `sigma` smooths
    in time, in frames.
    """
    shoulder, elbow, wrist, hand = _SIDES[side]
    rest = body.joint_rest.astype(np.float64)
    frames = len(joints)
    limbs = [(shoulder, elbow), (elbow, wrist), *((hand + a, hand + b) for a, b in (*_METACARPALS, *_PHALANGES))]
    directions = np.empty((frames, len(limbs), 3))
    for n, (start, end) in enumerate(limbs):
        directions[:, n] = smoothed_direction(joints[:, end] - joints[:, start], sigma)
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
    twist = _roll(wrist_turn, forearm, fore)
    for bone, share in _FOREARM_SHARES.items():
        turns[:, body.bone(f"{bone}.{side}")] = about(fore, twist * share) @ forearm
    turns[:, body.bone(f"wrist.{side}")] = wrist_turn

    points = np.empty((frames, 21, 3))
    for n in range(21):
        points[:, n] = smoothed(apply(transpose(wrist_turn), joints[:, hand + n] - joints[:, hand]), sigma)
    for first in range(0, frames, _BLOCK):
        block = slice(first, first + _BLOCK)
        _fit_hand(turns[block], body, side, wrist_turn[block], finger[block], points[block])


def _fit_hand(
    turns: NDArray[np.float32], body: AvatarBody, side: str, wrist_turn: Array, finger: Array, points: Array
) -> None:
    """Fill in the rotations (T, J, 3, 3) of the fingers of a side, "L" or "R".

    From the wrist's rotations (T, 3, 3), directions of phalanges `finger` (T, 5, 3, 3) and the hand's joints (T, 21, 3)
    seen from its palm, NaN where unknown.
    """
    hand = _SIDES[side][3]
    own = body.joint_rest[hand : hand + 21].astype(np.float64)
    bones, axes = phalanges(body, side), hinges(body, side)
    seen = apply(transpose(wrist_turn)[:, None, None], finger)
    solved = np.stack([bend_finger(seen[:, n], bones[n], axes[n]) for n in range(1, 5)], axis=1)
    palmwards = np.cross(axes[2], bones[2, 0])
    aims = reach_thumb(points, finger_places(solved, own), own, palmwards)
    solved = np.concatenate([bend_thumb(aims, bones[0], axes[0])[:, None], solved], axis=1)
    for number in range(5):
        for joint in range(3):
            turns[:, body.bone(f"finger{number + 1}-{joint + 1}.{side}")] = wrist_turn @ solved[:, number, joint]


def _roll(turn: Array, onto: Array, axis: Array) -> Array:
    """Measure how far ``turn`` is rolled about ``axis`` against ``onto``, without jumps in time: (T,) radians."""
    angle = np.unwrap(twist_angle(turn @ transpose(onto), axis))
    return np.asarray(angle - 2 * np.pi * np.round(np.median(angle) / (2 * np.pi)))


def _metacarpals(joints: Array, start: int) -> Array:
    ends = np.array(_METACARPALS) + start
    return joints[..., ends[:, 1], :] - joints[..., ends[:, 0], :]
