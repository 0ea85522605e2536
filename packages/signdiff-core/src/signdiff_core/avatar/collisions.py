"""What hands must not enter: the front of a body's trunk and head, and the other hand.

Seen from the viewer, a body in front of the camera is a relief: for each place of the picture, how near its surface is.
A hand whose joint lies behind that, give or take its own thickness, is inside, and the way out is towards the viewer:
depth is what the data know least.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from signdiff_core.anatomy.arm import ON_FOREARM, WRIST
from signdiff_core.anatomy.rotations import Array, apply, transpose
from signdiff_core.avatar.body import AvatarBody

_STEP: Final = 0.006
"""Side of a cell of a relief, normalised units."""

_FAR: Final = 9.0
_SAMPLES: Final = 6
PARTS: Final = {
    "spine01": ("root", "spine", "neck01"),
    "clavicle.L": ("clavicle.L", "shoulder01.L"),
    "clavicle.R": ("clavicle.R", "shoulder01.R"),
    "head": ("neck02", "neck03", "head"),
}
"""What a body is made of, but for its arms: for the bone that moves a part, where the names of its bones begin."""

_ALL: Final = tuple(name for names in PARTS.values() for name in names)

THICKNESS: Final = np.array(
    [
        *(-_FAR, -_FAR, 0.024),
        *(0.022, *(0.014, 0.011, 0.010, 0.008)),
        *(*(0.015, 0.010, 0.009, 0.007),) * 4,
        *(0.030,) * len(ON_FOREARM),
    ]
)
"""How far the skin is from the points of an arm, normalised units; shoulder and elbow may be anywhere."""

_SPARE: Final = 0.010
"""How far hands stay off the body besides: there is flesh between the points."""


class Relief:
    """How near a part of a body at rest is to the viewer, cell by cell."""

    def __init__(self, body: AvatarBody, bones: tuple[str, ...]) -> None:
        owner = np.array(body.cast.bones)[body.bone_index[:, 0]]
        part, any_part = (
            np.array([name.startswith(names) for name in owner])[body.triangles] for names in (bones, _ALL)
        )
        # Triangles between two parts belong to both, so that there is no gap.
        corners = body.vertices[body.triangles[part.any(axis=1) & any_part.all(axis=1)]].astype(np.float64)
        steps = np.linspace(0, 1, _SAMPLES)
        mix = np.array([(a, b, 1 - a - b) for a in steps for b in steps if a + b <= 1 + 1e-9])
        points = (mix @ corners).reshape(-1, 3)
        self.corner = points[:, :2].min(axis=0) - _STEP
        cells = ((points[:, :2] - self.corner) / _STEP).astype(int)
        self.front = np.full(cells.max(axis=0) + 2, _FAR)
        np.minimum.at(self.front, tuple(cells.T), points[:, 2])

    def depth(self, points: Array) -> Array:
        """Tell how far points (..., 3), the part at rest, are behind its front; below 0 before or beside it."""
        cells = ((points[..., :2] - self.corner) / _STEP).astype(int)
        inside = ((cells >= 0) & (cells < self.front.shape)).all(axis=-1)
        cells = np.where(inside[..., None], cells, 0)
        return np.where(inside, points[..., 2] - self.front[cells[..., 0], cells[..., 1]], -_FAR)


@lru_cache(maxsize=16)
def _reliefs(body: AvatarBody) -> tuple[Relief, ...]:
    return tuple(Relief(body, bones) for bones in PARTS.values())


@dataclass(frozen=True, kw_only=True, eq=False)
class BodyObstacle:
    """A body's trunk, shoulders and head.

    Of each of `PARTS`, `places` are the turns (T, 3, 3) and shifts (T, 3) that take rest points to where they are.
    """

    body: AvatarBody
    places: dict[str, tuple[Array, Array]]

    def depth(self, points: Array, frames: slice) -> Array:
        """Tell how deep points of an arm (t, P, 3) are inside, with their thickness: (t, P)."""
        deepest = np.zeros(points.shape[:2])
        for relief, bone in zip(_reliefs(self.body), PARTS, strict=True):
            turn, shift = (each[frames] for each in self.places[bone])
            local = apply(transpose(turn)[:, None], points - shift[:, None])
            deepest = np.maximum(deepest, relief.depth(local) + THICKNESS + _SPARE)
        return deepest

    def way_out(self, frames: slice) -> Array:
        """Give the way towards the viewer: (t, 3)."""
        return np.broadcast_to([0.0, 0.0, -1.0], (len(self.places["head"][0][frames]), 3))


def overlap(left: Array, right: Array) -> tuple[Array, Array]:
    """Tell how far each hand must come nearer to the viewer so that the two do not overlap: two of (T,), at least 0.

    Only the hand that is nearer already has to; the points of both arms (T, P, 3) that are in each other's way tell
    which that is.
    """
    own = slice(WRIST, None)
    gap = left[:, own, None] - right[:, None, own]
    reach = THICKNESS[own, None] + THICKNESS[None, own]
    needed = np.sqrt(np.maximum(reach**2 - (gap[..., :2] ** 2).sum(axis=-1), 0))
    touching = needed > 0
    nearer = np.where(touching, gap[..., 2], 0).sum(axis=(1, 2)) < 0
    sign = np.where(nearer, 1.0, -1.0)[:, None, None]
    lacking = np.where(touching, needed + sign * gap[..., 2], 0).max(axis=(1, 2)).clip(min=0)
    return np.where(nearer, lacking, 0), np.where(nearer, 0, lacking)
