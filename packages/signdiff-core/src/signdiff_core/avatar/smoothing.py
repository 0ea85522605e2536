"""Fills gaps in time and smooths."""

from __future__ import annotations

import numpy as np

from signdiff_core.avatar.rotations import Array


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
        kernel /= kernel.sum()
        # One by one, so that a long clip needs little memory beside itself.
        for n in range(vectors.shape[1]):
            padded = np.pad(filled[:, n], ((reach, reach), (0, 0)), mode="edge")
            filled[:, n] = sum(weight * padded[shift : shift + len(filled)] for shift, weight in enumerate(kernel))
    return filled
