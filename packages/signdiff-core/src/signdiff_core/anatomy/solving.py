"""The search for an arm's angles: Levenberg and Marquardt's method, every frame by itself, all at once.

Minimised is, over the points of an arm, the squared distance from their goals, weighed axis by axis; the squared depth
in obstacles; and, by standard deviations, what lies beyond the limits of hinges, how far they are from their usual
angles, and how far a finger's end is from bending along with its middle joint, as tendons make it. The search starts
(`start`) with the arm along its limbs, the palm as it lies, the fingers loose.

Source: Marquardt, An Algorithm for Least-Squares Estimation of Nonlinear Parameters, 1963.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np

from signdiff_core.anatomy.arm import (
    ELBOW,
    ELBOW_BEND,
    FOREARM_TWIST,
    FREE,
    HAND,
    WRIST,
    WRIST_BEND,
    WRIST_DEVIATION,
    Arm,
    Placed,
)
from signdiff_core.anatomy.rotations import Array, about, apply, basis, dot, nearest_rotation, swing, transpose, unit

_BLOCK: Final = 128
"""Frames that are solved together: their derivatives take memory."""

_LIMIT: Final = np.radians(3.0)
"""Standard deviation of what goes beyond a limit."""

_TENDON, _ALONG = np.radians(15.0), 0.66
"""A finger's end bends along with its middle joint by this share, give or take the first."""

_STEP: Final = 0.6
"""Largest change of an angle in a step, radians."""


METACARPALS: Final = np.array([(0, 5), (0, 9), (0, 13), (0, 17), (17, 5)])
"""Pairs of a hand's joints that tell how its palm lies."""

_SURE: Final = np.array([1.0, 1.0, 1.0, 1.0, 1.5])
"""How much each of those counts."""


class Obstacle(Protocol):
    """What an arm must not enter; frames are those of the arm's points."""

    def depth(self, points: Array, frames: slice) -> Array:
        """Tell how deep points (t, P, 3) of some frames are inside, at least 0: (t, P)."""

    def way_out(self, frames: slice) -> Array:
        """Give the unit vectors (t, 3) along which depth is measured, pointing outwards."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Goals:
    """Where the points of an arm should be.

    Args:
        places: (T, P, 3), those of the hand from the wrist; finite, also where nothing is wanted.
        weights: (T, P, 3) reciprocals of standard deviations; 0 where nothing is wanted.
        obstacle: what it must not enter, if anything.
        clearance: standard deviation of depth inside it.
    """

    places: Array
    weights: Array
    obstacle: Obstacle | None = None
    clearance: float = 0.004


@dataclass(frozen=True, kw_only=True, eq=False)
class Posture:
    """The angles (T, D) of an arm, and the turn (T, 3, 3) of its upper arm from which its first three count."""

    angles: Array
    base: Array


def start(arm: Arm, joints: Array) -> Posture:
    """Guess the angles of an arm from its joints (T, 24, 3), all of them finite, in any scale."""
    upper, fore = unit(joints[:, ELBOW] - joints[:, 0]), unit(joints[:, WRIST] - joints[:, ELBOW])
    frames = len(joints)
    angles = np.tile(arm.usual, (frames, 1))
    angles[:, :FREE] = 0
    hinge_rest, upper_rest, fore_rest = arm.axes[ELBOW_BEND], arm.upper, arm.fore
    plain = swing(np.broadcast_to(upper_rest, upper.shape), upper)
    base = basis(upper, np.cross(upper, fore) + 0.15 * apply(plain, hinge_rest)) @ basis(upper_rest, hinge_rest).T
    local = apply(transpose(base), fore)
    angles[:, ELBOW_BEND] = np.arctan2(local @ np.cross(hinge_rest, fore_rest), local @ fore_rest)

    forearm = base @ about(np.broadcast_to(hinge_rest, upper.shape), angles[:, ELBOW_BEND])
    palm = transpose(forearm) @ palm_turn(arm, joints)
    axes = np.stack([fore_rest, arm.lateral, np.cross(fore_rest, arm.lateral)], axis=1)
    palm = axes.T @ palm @ axes
    angles[:, FOREARM_TWIST] = np.arctan2(-palm[:, 1, 2], palm[:, 2, 2])
    angles[:, WRIST_BEND] = np.arcsin(np.clip(palm[:, 0, 2], -1, 1))
    angles[:, WRIST_DEVIATION] = np.arctan2(-palm[:, 0, 1], palm[:, 0, 0])
    return Posture(angles=np.clip(angles, arm.low, arm.high), base=base)


def palm_turn(arm: Arm, joints: Array) -> Array:
    """Find the turn (T, 3, 3) of the palm against its rest, from an arm's joints (T, 24, 3)."""
    first, second = (joints[:, HAND][:, METACARPALS[:, end]] for end in (0, 1))
    rest = arm.rest[HAND]
    wanted = unit(rest[METACARPALS[:, 1]] - rest[METACARPALS[:, 0]])
    bones = second - first
    weights = np.where(dot(bones, bones) > 0, _SURE, 0.0)
    return nearest_rotation(np.broadcast_to(wanted, bones.shape), np.nan_to_num(unit(bones)), weights)


def solve(arm: Arm, begin: Posture, shoulder: Array, goals: Goals, *, steps: int = 12) -> Posture:
    """Search for the angles that bring an arm to its goals, from a start, with the shoulder at (T, 3)."""
    angles, base = begin.angles.copy(), begin.base.copy()
    for first in range(0, len(angles), _BLOCK):
        block = slice(first, first + _BLOCK)
        search = _Search(arm, begin, shoulder, goals, block)
        for _ in range(steps):
            search.step()
        angles[block], base[block] = search.state.angles, search.state.base
    return Posture(angles=angles, base=base)


def _from_wrist(points: Array) -> Array:
    """Take the wrist off the hand's points (T, P, ...)."""
    moved = points.copy()
    moved[:, HAND] -= points[:, WRIST, None]
    return moved


class _State(NamedTuple):
    """What follows from angles; all arrays count frames first."""

    angles: Array
    base: Array
    points: Array
    turns: Array
    pivots: Array
    axes: Array
    inside: Array
    energy: Array


class _Search:
    """The search in a block of frames."""

    def __init__(self, arm: Arm, start: Posture, shoulder: Array, goals: Goals, frames: slice) -> None:
        self.arm, self.shoulder, self.frames = arm, shoulder[frames], frames
        self.places, self.weights = goals.places[frames], goals.weights[frames]
        self.obstacle, self.clearance = goals.obstacle, goals.clearance
        self.ends = arm.middle_bends + 1
        self.tendons = np.zeros((len(self.ends), len(arm.parents)))
        rows = np.arange(len(self.ends))
        self.tendons[rows, self.ends], self.tendons[rows, self.ends - 1] = 1 / _TENDON, -_ALONG / _TENDON
        self.usual = np.diag(1 / arm.spread**2) + self.tendons.T @ self.tendons
        self.damping = np.full(len(self.shoulder), 1e-2)
        self.state = self.at(start.angles[frames].copy(), start.base[frames].copy())

    def at(self, angles: Array, base: Array) -> _State:
        placed = self.arm.place(angles, base, self.shoulder)
        inside = np.zeros(placed.points.shape[:2])
        if self.obstacle is not None:
            inside = self.obstacle.depth(placed.points, self.frames) / self.clearance
        missed = self.weights * (_from_wrist(placed.points) - self.places)
        energy = (missed**2).sum(axis=(1, 2)) + (inside**2).sum(axis=1)
        energy += (self.beyond(angles) ** 2).sum(axis=1) + (((angles - self.arm.usual) / self.arm.spread) ** 2).sum(
            axis=1
        )
        energy += ((angles @ self.tendons.T) ** 2).sum(axis=1)
        return _State(angles, base, *placed, inside, energy)

    def beyond(self, angles: Array) -> Array:
        low, high = self.arm.low, self.arm.high
        return np.asarray((np.minimum(angles - low, 0) + np.maximum(angles - high, 0)) / _LIMIT)

    def step(self) -> None:
        now, arm = self.state, self.arm
        frames, hinges = now.angles.shape
        derivative = Placed(now.points, now.turns, now.pivots, now.axes).derivative(arm.moves)
        weighed = (_from_wrist(derivative) * self.weights[..., None]).reshape(frames, -1, hinges)
        missed = (self.weights * (_from_wrist(now.points) - self.places)).reshape(frames, -1)
        if self.obstacle is not None:
            inwards = -np.einsum("tpcd,tc->tpd", derivative, self.obstacle.way_out(self.frames)) / self.clearance
            weighed = np.concatenate([weighed, inwards * (now.inside > 0)[..., None]], axis=1)
            missed = np.concatenate([missed, now.inside], axis=1)
        across = np.swapaxes(weighed, 1, 2)
        beyond = self.beyond(now.angles)
        curvature = across @ weighed + self.usual
        gradient = (across @ missed[..., None])[..., 0] + beyond / _LIMIT
        gradient += (now.angles - arm.usual) / arm.spread**2 + now.angles @ self.tendons.T @ self.tendons
        diagonal = np.einsum("tdd->td", curvature)
        diagonal += (beyond != 0) / _LIMIT**2
        diagonal *= 1 + self.damping[:, None]
        step = -np.linalg.solve(curvature, gradient[..., None])[..., 0]
        angles = now.angles + np.clip(step, -_STEP, _STEP)
        # What the shoulder turns becomes part of its base, so that its three axes stay apart.
        turns = about(np.eye(3), angles[:, :FREE])
        base = turns[:, 0] @ turns[:, 1] @ turns[:, 2] @ now.base
        angles[:, :FREE] = 0
        tried = self.at(angles, base)
        better = tried.energy < now.energy
        for old, new in zip(now, tried, strict=True):
            old[better] = new[better]
        self.damping = np.where(better, np.maximum(self.damping / 5, 1e-6), np.minimum(self.damping * 8, 1e4))
