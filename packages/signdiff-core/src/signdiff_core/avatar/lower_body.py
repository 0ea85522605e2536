"""Hips, legs and the hem of the shirt: for frames that show more than the cast has, whose bodies end at the hips."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from signdiff_core.avatar.body import AvatarBody
from signdiff_core.avatar.cast import MATERIALS
from signdiff_core.avatar.looks import Surface

Number = TypeVar("Number", bound=np.generic)

VISIBLE_FROM: Final = 0.46
"""What lies higher, in normalised units below the neck, is the same with and without the lower body."""

_HEM: Final = 0.06
"""How far below the pelvis' joint the shirt ends."""

_AROUND: Final = 28
"""Vertices round a leg."""

_HIPS: Final = ((-0.06, 0.80), (-0.02, 0.90), (0.0, 0.96), (0.03, 0.88), (0.06, 0.72), (0.08, 0.45), (0.09, 0.0))
"""Height below the hem, and size as a share of that at the hem."""

_LEG: Final = (
    *((-0.02, 0.48, 0.00, 0.80), (0.00, 0.48, 0.47, 0.90), (0.08, 0.48, 0.49, 0.93), (0.22, 0.47, 0.42, 0.80)),
    *((0.38, 0.46, 0.34, 0.62), (0.52, 0.45, 0.31, 0.58), (0.70, 0.44, 0.25, 0.46), (0.72, 0.44, 0.00, 0.00)),
)
"""Height below the hem; distance from the middle, half the width and half the depth, as shares of the hips'."""

_SHOE: Final = ((0.700, 0.0), (0.705, 0.8), (0.730, 1.0), (0.755, 0.9), (0.760, 0.0))
"""Height below the hem, and size as a share of the whole shoe's."""

_SHOE_SIZE: Final = (0.040, 0.100, -0.055)
"""Half the width and half the length of a shoe, and how far before the leg its middle lies."""


def with_lower_body(body: AvatarBody, surface: Surface) -> tuple[AvatarBody, Surface]:
    """Give a dressed body trousers and shoes, and its shirt a hem; vertices and triangles follow those of the cast."""
    hips = body.bone("root")
    pelvis, trunk = body.heads[hips], np.array([bone.startswith(("root", "spine")) for bone in body.cast.bones])
    cloth = np.zeros(len(body.vertices), dtype=bool)
    cloth[body.triangles[body.material == MATERIALS.index("cloth")]] = True
    shirt = cloth & trunk[body.bone_index[:, 0]]
    hem = float(pelvis[1]) + _HEM
    level = body.vertices[shirt & (np.abs(body.vertices[:, 1] - hem) < 0.02)]
    (left, _, front), (right, _, back) = level.min(axis=0).tolist(), level.max(axis=0).tolist()
    wide, deep, middle = (right - left) / 2, (back - front) / 2, ((left + right) / 2, (front + back) / 2)

    tubes = [_tube([(hem + y, *middle, wide * share, deep * share) for y, share in _HIPS])]
    for side in (-1, 1):
        x = [middle[0] + side * wide * away for _, away, _, _ in _LEG]
        tubes.append(_tube([(hem + y, x[n], middle[1], wide * w, deep * d) for n, (y, _, w, d) in enumerate(_LEG)]))
        half, long, before = _SHOE_SIZE
        tubes.append(_tube([(hem + y, x[-1], middle[1] + before, half * s, long * s) for y, s in _SHOE]))
    points, triangles = _joined(tubes, start=len(body.vertices))

    cast, V, F = body.cast, len(points), len(triangles)
    index, weight = np.full((V, 4), hips, dtype=np.uint8), np.tile(np.array([1, 0, 0, 0], dtype=np.float16), (V, 1))
    cast = replace(
        cast,
        triangles=np.concatenate([cast.triangles, triangles.astype(cast.triangles.dtype)]),
        material=np.concatenate([cast.material, np.full(F, MATERIALS.index("cloth"), dtype=np.uint8)]),
        bone_index=np.concatenate([cast.bone_index, index]),
        bone_weight=np.concatenate([cast.bone_weight, weight]),
    )
    dressed = replace(
        surface,
        rise=_longer(surface.rise, V),
        places=_longer(surface.places, V),
        sheltered=_longer(surface.sheltered, V),
        tint=_longer(surface.tint, V),
        keep=_longer(np.where(shirt, np.minimum(surface.keep, (hem - body.vertices[:, 1]) * 20), surface.keep), V, 1),
        second=_longer(surface.second, V, 1),
        shown=_longer(surface.shown, F, 1),
    )
    return replace(body, cast=cast, vertices=np.concatenate([body.vertices, points])), dressed


def _tube(rings: list[tuple[float, float, float, float, float]]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Make a tube of ellipses: of each the height y, the middle (x, z), half the width and half the depth."""
    turn = 2 * np.pi * np.arange(_AROUND) / _AROUND
    points = np.concatenate(
        [
            np.stack([x + wide * np.cos(turn), np.full(_AROUND, y), z + deep * np.sin(turn)], axis=1)
            for y, x, z, wide, deep in rings
        ]
    )
    corner = np.arange(_AROUND * (len(rings) - 1))
    beside = corner - corner % _AROUND + (corner + 1) % _AROUND
    halves = [[corner, corner + _AROUND, beside], [beside, corner + _AROUND, beside + _AROUND]]
    return points.astype(np.float32), np.concatenate([np.stack(half, axis=1) for half in halves])


def _joined(
    tubes: list[tuple[NDArray[np.float32], NDArray[np.int64]]], *, start: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Join meshes to one whose vertices are numbered from a start."""
    triangles = []
    for points, own in tubes:
        triangles.append(own + start)
        start += len(points)
    return np.concatenate([points for points, _ in tubes]), np.concatenate(triangles)


def _longer(values: NDArray[Number], count: int, value: float = 0) -> NDArray[Number]:
    return np.concatenate([values, np.full((count, *values.shape[1:]), value, dtype=values.dtype)])
