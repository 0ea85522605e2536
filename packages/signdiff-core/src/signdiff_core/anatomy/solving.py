"""The search for an arm's angles: Levenberg and Marquardt's method, every frame by itself, all at once.

Minimised is, over the points of an arm, the squared distance from their goals, weighed axis by axis; the squared depth
in obstacles; and, by standard deviations, what lies beyond the limits of hinges, how far they are from their usual
angles, and how far a finger's end is from bending along with its middle joint, as tendons make it.

Source: Marquardt, An Algorithm for Least-Squares Estimation of Nonlinear Parameters, 1963.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np

from signdiff_core.anatomy.arm import FREE, HAND, WRIST, Arm, Placed
from signdiff_core.anatomy.rotations import Array, about

_BLOCK: Final = 128
"""Frames that are solved together: their derivatives take memory."""

_LIMIT: Final = np.radians(3.0)
"""Standard deviation of what goes beyond a limit."""

_TENDON, _ALONG = np.radians(15.0), 0.66
"""A finger's end bends along with its middle joint by this share, give or take the first."""

_STEP: Final = 0.6
"""Largest change of an angle in a step, radians."""


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


def solve(arm: Arm, start: Posture, shoulder: Array, goals: Goals, *, steps: int = 12) -> Posture:
    """Search for the angles that bring an arm to its goals, from a start, with the shoulder at (T, 3)."""
    angles, base = start.angles.copy(), start.base.copy()
    for first in range(0, len(angles), _BLOCK):
        block = slice(first, first + _BLOCK)
        search = _Search(arm, start, shoulder, goals, block)
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
        self.state = self.at(start.angles[frames], start.base[frames])

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
