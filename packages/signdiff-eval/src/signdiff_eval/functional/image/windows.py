"""The sums over Gaussian windows that structural similarity is made of, in compiled loops."""

from __future__ import annotations

from typing import Any

import numpy as np

from signdiff_eval._compiled import compiled


@compiled()
def mean_similarity(left: Any, right: Any, weights: Any, c1: float, c2: float) -> float:
    """Average equation 13 of Wang et al. (2004) over all windows that lie within the image.

    Images are taken apart into rows; a window's sums are first made down the columns, then along the row. The channels
    of a pixel lie side by side, so a step to the next pixel is as many values as there are channels.

    Args:
        left: (H, W, channels) contiguous uint8.
        right: likewise.
        weights: (taps,) float64 with the sum 1; a window's weights are their products.
        c1: what steadies the comparison of means.
        c2: what steadies that of variances.
    """
    rows, columns, channels = left.shape
    taps, width = len(weights), columns * channels
    inside = (columns - taps + 1) * channels
    flat_left, flat_right = left.reshape(rows, width), right.reshape(rows, width)
    down, along = np.empty((4, width)), np.empty((4, inside))
    total = 0.0
    for row in range(rows - taps + 1):
        down[:] = 0.0
        for tap in range(taps):
            weight = weights[tap]
            for i in range(width):
                x, y = float(flat_left[row + tap, i]), float(flat_right[row + tap, i])
                down[0, i] += weight * x
                down[1, i] += weight * y
                down[2, i] += weight * (x * x + y * y)
                down[3, i] += weight * (x * y)
        along[:] = 0.0
        for tap in range(taps):
            weight, shift = weights[tap], tap * channels
            for part in range(4):
                for i in range(inside):
                    along[part, i] += weight * down[part, i + shift]
        for i in range(inside):
            x, y = along[0, i], along[1, i]
            squares, product = x * x + y * y, x * y
            covariance, variances = along[3, i] - product, along[2, i] - squares
            along[0, i] = ((2 * product + c1) * (2 * covariance + c2)) / ((squares + c1) * (variances + c2))
        for i in range(inside):
            total += along[0, i]
    return total / ((rows - taps + 1) * inside)  # type: ignore[no-any-return]
