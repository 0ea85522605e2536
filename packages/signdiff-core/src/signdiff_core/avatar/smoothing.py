"""Fills gaps in time and smooths."""

from __future__ import annotations

import numpy as np

from signdiff_core.avatar.rotations import Array, unit


def smoothed(vectors: Array, sigma: float) -> Array:
    """Fill gaps of a vector (T, 3) in time and smooth it by a Gaussian of ``sigma`` frames.

    A vector that no frame knows stays NaN.
    """
    time = np.arange(len(vectors))
    filled = vectors
    known = ~np.isnan(vectors).any(axis=1)
    if known.any() and not known.all():
        filled = np.stack([np.interp(time, time[known], vectors[known, axis]) for axis in range(3)], axis=1)
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
