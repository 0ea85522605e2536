"""Rotations in batches, matrices (..., 3, 3) that turn column vectors, angles in radians; and smoothing in time."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]


def unit(vectors: Array) -> Array:
    """Scale vectors (..., 3) to length 1; a zero vector becomes NaN."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)  # type: ignore[no-any-return]


def dot(a: Array, b: Array) -> Array:
    """Multiply vectors (..., 3) scalarly: (...)."""
    return (a * b).sum(axis=-1)  # type: ignore[no-any-return]


def apply(turn: Array, vectors: Array) -> Array:
    """Turn vectors (..., 3) by matrices (..., 3, 3)."""
    return np.einsum("...ij,...j->...i", turn, vectors)  # type: ignore[no-any-return]


def transpose(turn: Array) -> Array:
    """Invert rotations."""
    return np.swapaxes(turn, -1, -2)


def about(axis: Array, angle: Array) -> Array:
    """Rotate about unit axes (..., 3) by angles (...): Rodrigues' formula."""
    axis, angle = np.broadcast_arrays(axis, np.asarray(angle)[..., None])
    angle = angle[..., :1, None]
    x, y, z = np.moveaxis(axis, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*axis.shape, 3)
    outer = axis[..., :, None] * axis[..., None, :]
    eye = np.eye(3)
    return np.cos(angle) * eye + np.sin(angle) * cross + (1 - np.cos(angle)) * outer  # type: ignore[no-any-return]


def swing(start: Array, end: Array, *, limit: float = np.pi) -> Array:
    """Find the smallest rotations (..., 3, 3) that take unit vectors (..., 3) to others that are not opposite.

    Where that is more than the angle ``limit``, they come as near as it allows.
    """
    normal = np.cross(start, end)
    length = np.linalg.norm(normal, axis=-1)
    angle = np.arctan2(length, dot(start, end))
    axis = np.where(length[..., None] > 1e-9, normal / np.maximum(length, 1e-9)[..., None], [1.0, 0.0, 0.0])
    return about(axis, np.minimum(angle, limit))


def basis(along: Array, hinge: Array) -> Array:
    """Make the rotation whose second column is ``along`` and whose first is the nearest right angle to ``hinge``."""
    x = unit(hinge - dot(hinge, along)[..., None] * along)
    return np.stack([x, along, np.cross(x, along)], axis=-1)


def twist_angle(turn: Array, axis: Array) -> Array:
    """Measure how far rotations (..., 3, 3) turn about unit axes (..., 3), swing aside: (...) in [-pi, pi]."""
    vector = np.stack(
        [turn[..., 2, 1] - turn[..., 1, 2], turn[..., 0, 2] - turn[..., 2, 0], turn[..., 1, 0] - turn[..., 0, 1]],
        axis=-1,
    )
    trace = np.trace(turn, axis1=-2, axis2=-1)
    return 2 * np.arctan2(dot(vector, axis), 1 + trace)  # type: ignore[no-any-return]


def nearest_rotation(start: Array, end: Array, weight: Array) -> Array:
    """Find the rotations that bring sets of vectors nearest to others (Kabsch, 1976).

    From vectors (..., N, 3) and weights (..., N) of at least 0: R (..., 3, 3) that minimise ``sum(weight * |R start -
    end|^2)``.
    """
    covariance = np.einsum("...n,...ni,...nj->...ij", weight, end, start)
    left, _, right = np.linalg.svd(covariance)
    flip = np.ones((*covariance.shape[:-2], 3))
    flip[..., 2] = np.linalg.det(left @ right)
    return (left * flip[..., None, :]) @ right  # type: ignore[no-any-return]


def smoothed(vectors: Array, sigma: float) -> Array:
    """Fill gaps of vectors (T, C) in time and smooth them by a Gaussian of ``sigma`` frames.

    A vector is a gap as a whole; one that no frame knows stays NaN.
    """
    time = np.arange(len(vectors))
    filled = vectors
    known = ~np.isnan(vectors).any(axis=1)
    if known.any() and not known.all():
        filled = np.stack(
            [np.interp(time, time[known], vectors[known, axis]) for axis in range(vectors.shape[1])], axis=1
        )
    if sigma > 0 and len(vectors) > 1:
        reach = int(np.ceil(3 * sigma))
        kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
        kernel /= kernel.sum()
        padded = np.pad(filled, ((reach, reach), (0, 0)), mode="edge")
        filled = np.asarray(sum(weight * padded[shift : shift + len(filled)] for shift, weight in enumerate(kernel)))
    return filled


def smoothed_direction(vectors: Array, sigma: float) -> Array:
    """Give the direction of a vector (T, 3), its gaps filled and smoothed: unit vectors."""
    return unit(smoothed(unit(vectors), sigma))
