"""Inverse kinematics of a hand: how far its fingers bend and spread, within what joints allow."""

from __future__ import annotations

from typing import Final

import numpy as np

from signdiff_core.avatar.body import AvatarBody
from signdiff_core.avatar.rotations import Array, about, apply, dot, swing, unit

KNUCKLE_BEND: Final = np.radians([-30.0, 100.0])
KNUCKLE_SPREAD: Final = np.radians(26.0)
BENT_SPREAD: Final = np.radians(12.0)
MIDDLE_BEND: Final = np.radians([-2.0, 118.0])
END_BEND: Final = np.radians([-6.0, 85.0])
THUMB_SWING: Final = np.radians(60.0)
THUMB_TWIST: Final = np.radians(40.0)
THUMB_KNUCKLE_BEND: Final = np.radians([-25.0, 75.0])
THUMB_KNUCKLE_SPREAD: Final = np.radians(15.0)
THUMB_END_BEND: Final = np.radians([-30.0, 90.0])
_THUMB_NEAR: Final = 0.03
"""How near, in normalised units, another joint must be to say where a joint of the thumb goes."""

_THUMB_LIFT: Final = (0.003, 0.006, 0.009)
"""How far off the palm a thumb's three joints are lifted: the palm has flesh, which the data's joints do not tell."""

RELAXED: Final = np.radians([25.0, 30.0, 20.0])
"""How far the three joints of a finger bend in a hand at rest."""


def phalanges(body: AvatarBody, side: str) -> Array:
    """Give the rest directions of the finger bones, thumb first: (5, 3, 3) unit vectors."""
    start = 8 if side == "L" else 29
    joints = body.joint_rest[start + 1 : start + 21].astype(np.float64).reshape(5, 4, 3)
    return unit(np.diff(joints, axis=1))


def hinges(body: AvatarBody, side: str) -> Array:
    """Give the rest axes about which the finger bones bend: (5, 3) unit vectors; a positive angle closes the hand."""
    names = [f"finger{finger}-{2 if finger == 1 else 1}.{side}" for finger in range(1, 6)]
    axes = body.axes[[body.bone(name) for name in names], :, 0].astype(np.float64)
    bends = phalanges(body, side)
    closing = dot(np.cross(bends[:, 0], bends[:, 2]), axes)
    return axes * np.sign(closing)[:, None]


def _bend(direction: Array, along: Array, hinge: Array) -> Array:
    """Measure how far ``direction`` lies from ``along``, about ``hinge``: (...) in [-2 pi / 3, 4 pi / 3]."""
    angle = np.arctan2(dot(direction, np.cross(hinge, along)), dot(direction, along))
    return np.where(angle < -2 * np.pi / 3, angle + 2 * np.pi, angle)


def _or(values: Array, otherwise: float) -> Array:
    return np.where(np.isnan(values), otherwise, values)


def bend_finger(directions: Array, rest: Array, hinge: Array) -> Array:
    """Fit a finger that spreads and bends at its knuckle and bends at its two other joints.

    From unit vectors (T, 3, 3) of its phalanges seen from the palm, NaN where unknown, theirs at rest (3, 3) and its
    hinge (3,): rotations (T, 3, 3, 3) against the rest, seen from the palm.
    """
    frames = len(directions)
    sideways = np.arcsin(np.clip(dot(directions[:, 0], hinge), -1, 1))
    bend = np.clip(_or(_bend(directions[:, 0], rest[0], hinge), RELAXED[0]), *KNUCKLE_BEND)
    spread_limit = KNUCKLE_SPREAD + (BENT_SPREAD - KNUCKLE_SPREAD) * np.clip(bend / (np.pi / 2), 0, 1)
    spread = np.clip(_or(sideways, 0.0), -spread_limit, spread_limit)
    turns = [about(np.tile(hinge, (frames, 1)), bend) @ about(np.cross(hinge, rest[0]), -spread)]
    for joint, (limits, relaxed) in enumerate(zip((MIDDLE_BEND, END_BEND), RELAXED[1:], strict=True), start=1):
        axis = apply(turns[-1], hinge)
        before = apply(turns[-1], rest[joint - 1])
        angle = np.clip(_or(_bend(directions[:, joint], before, axis), relaxed), *limits)
        own = dot(np.cross(rest[joint - 1], rest[joint]), hinge)
        turns.append(about(axis, angle - np.arcsin(own)) @ turns[-1])
    return np.stack(turns, axis=1)


def finger_places(solved: Array, rest: Array) -> Array:
    """Put the joints of four bent fingers where they are, seen from the palm.

    From rotations (T, 4, 3, 3, 3) of the phalanges and the hand at rest (21, 3): places (T, 16, 3) of a hand's joints 5
    to 20.
    """
    fingers = rest[5:].reshape(4, 4, 3)
    steps = np.einsum("tfpij,fpj->tfpi", solved, np.diff(fingers, axis=1))
    first = np.broadcast_to(fingers[:, :1], (len(solved), 4, 1, 3))
    return np.concatenate([first, first + np.cumsum(steps, axis=2)], axis=2).reshape(-1, 16, 3)


def reach_thumb(points: Array, fingers: Array, rest: Array, palmwards: Array) -> Array:
    """Aim a thumb so that it lies to palm and fingers as the data's thumb does.

    A thumb is known by what it touches. Where its root lies differs between hands and between trackers, so directions
    alone would bury it in the palm or miss the fingers: each of its joints goes where its nearest neighbours among the
    other joints say. `points` (T, 21, 3) are the data's, in any scale, NaN where unknown, `fingers` (T, 16, 3) and
    `rest` (21, 3) the body's own, all seen from the palm; `palmwards` points out of it. Returns unit vectors (T, 3, 3)
    along the thumb's bones.
    """
    knuckles, own = points[:, 5:21:4], rest[5:21:4]
    middle = knuckles.mean(axis=1, keepdims=True)
    size = np.linalg.norm(knuckles[:, 0] - knuckles[:, 3], axis=1) + np.linalg.norm(middle[:, 0] - points[:, 0], axis=1)
    own_size = np.linalg.norm(own[0] - own[3]) + np.linalg.norm(own.mean(axis=0) - rest[0])
    scaled = (points - middle) * (own_size / size)[:, None, None] + own.mean(axis=0)
    thumb, others = scaled[:, 2:5], scaled[:, 5:]
    away = np.linalg.norm(thumb[:, :, None] - others[:, None], axis=-1)
    weight = np.exp(-((away / _THUMB_NEAR) ** 2)) + 0.02 * (np.arange(16) % 4 == 0)
    pull = np.einsum("tjk,tkc->tjc", weight, fingers - others) / weight.sum(axis=-1, keepdims=True)
    goals = thumb + pull + np.array(_THUMB_LIFT)[:, None] * palmwards
    place = np.broadcast_to(rest[1], (len(points), 3))
    aims = []
    for joint in range(3):
        aims.append(unit(goals[:, joint] - place))
        place = place + aims[-1] * np.linalg.norm(rest[joint + 2] - rest[joint + 1])
    return np.stack(aims, axis=1)


def bend_thumb(directions: Array, rest: Array, hinge: Array) -> Array:
    """Fit a thumb: its metacarpal swings and rolls, its knuckle bends and gives a little sideways, its end bends.

    Shapes are those of `bend_finger`; the first of the three bones is the metacarpal.
    """
    known = np.where(np.isnan(directions), rest, directions)
    base = swing(np.broadcast_to(rest[0], known[:, 0].shape), known[:, 0], limit=THUMB_SWING)
    along, axis = apply(base, rest[0]), apply(base, hinge)
    wanted = np.cross(known[:, 0], known[:, 1]) + np.cross(known[:, 1], known[:, 2]) + 0.35 * axis
    wanted = unit(wanted - dot(wanted, along)[:, None] * along)
    roll = np.arctan2(dot(np.cross(axis, wanted), along), dot(axis, wanted))
    base = about(along, np.clip(_or(roll, 0.0), -THUMB_TWIST, THUMB_TWIST)) @ base

    axis, before = apply(base, hinge), apply(base, rest[0])
    angle = np.clip(_bend(known[:, 1], before, axis), *THUMB_KNUCKLE_BEND)
    sideways = np.arcsin(np.clip(dot(known[:, 1], axis), -1, 1)) - np.arcsin(dot(rest[1], hinge))
    sideways = np.clip(sideways, -THUMB_KNUCKLE_SPREAD, THUMB_KNUCKLE_SPREAD)
    own = _bend(rest[1], rest[0], hinge)
    middle = about(axis, angle - own) @ about(unit(np.cross(axis, before)), -sideways) @ base

    axis, before = apply(middle, hinge), apply(middle, rest[1])
    angle = np.clip(_bend(known[:, 2], before, axis), *THUMB_END_BEND)
    end = about(axis, angle - _bend(rest[2], rest[1], hinge)) @ middle
    return np.stack([base, middle, end], axis=1)
