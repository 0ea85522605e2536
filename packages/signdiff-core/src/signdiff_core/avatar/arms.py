"""Inverse kinematics of an arm: shoulder, elbow, wrist, and the hand at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from signdiff_core.avatar.hands import bend_finger, bend_thumb, finger_places, hinges, phalanges, reach_thumb
from signdiff_core.avatar.rotations import (
    Array,
    about,
    apply,
    basis,
    nearest_rotation,
    swing,
    transpose,
    twist_angle,
    unit,
)
from signdiff_core.avatar.smoothing import smoothed, smoothed_direction
from signdiff_core.skeleton import (
    LEFT_ELBOW,
    LEFT_HAND,
    LEFT_SHOULDER,
    LEFT_WRIST,
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

_FOREARM_SHARES: Final = {"lowerarm01": 0.2, "lowerarm02": 0.65}
_BLOCK: Final = 128
"""Frames whose fingers are fitted at once: their many angles take memory."""

_METACARPALS: Final = ((0, 5), (0, 9), (0, 13), (0, 17), (17, 5))
_PHALANGES: Final = tuple((joint, joint + 1) for first in range(1, 21, 4) for joint in range(first, first + 3))
_METACARPAL_WEIGHTS: Final = np.array([1.0, 1.0, 1.0, 1.0, 1.5])


def _metacarpals(joints: Array, start: int) -> Array:
    ends = np.array(_METACARPALS) + start
    return joints[..., ends[:, 1], :] - joints[..., ends[:, 0], :]


def fit_arm(turns: NDArray[np.float32], body: AvatarBody, side: str, torso: Array, joints: Array, sigma: float) -> None:
    """Fit an arm with its hand.

    Args:
        turns: (T, J, 3, 3) rotations of the body's bones; those of the arm are filled in.
        body: the body.
        side: "L" or "R".
        torso: (T, 3, 3) rotations of the trunk.
        joints: (T, 50, 3) the pose; NaN where unknown.
        sigma: standard deviation in frames of the smoothing in time.
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
    """Fit the fingers.

    Args:
        turns: (T, J, 3, 3) rotations of the body's bones; those of the fingers are filled in.
        body: the body.
        side: "L" or "R".
        wrist_turn: (T, 3, 3) rotations of the hand.
        finger: (T, 5, 3, 3) directions of the phalanges; NaN where unknown.
        points: (T, 21, 3) the hand's joints, seen from its palm; NaN where unknown.
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
