"""The dynamic time warping recurrence, on any matrix of costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from signdiff_eval import _checks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def align(costs: ArrayLike) -> tuple[float, NDArray[np.intp]]:
    """Find the cheapest monotone alignment of two sequences.

    Exact: no window, no pruning, every step (down, right, diagonal) at the cost of the cell that it enters. Takes
    8 bytes a cell beside the costs: 0.4 GB in all for two sequences of 5,000 frames.

    Args:
        costs: (T, U) cost of pairing frame t of one sequence with frame u of the other; at least 0, finite.

    Returns:
        The total cost, and the path: (P, 2) pairs of frames from (0, 0) to (T - 1, U - 1). Of several cheapest
        paths, the one that, walked from its end, prefers the diagonal, then a step in t.

    Raises:
        ValueError: ``costs`` isn't a matrix, is empty, or holds a negative or a non-finite number.

    Example:
        >>> total, path = align([[0.0, 1.0, 4.0], [4.0, 1.0, 0.0]])
        >>> total, path.tolist()
        (1.0, [[0, 0], [0, 1], [1, 2]])
    """
    costs = _checks.sequence("costs", costs, ndim=2, axes="(T, U)")
    if (costs < 0).any():
        raise ValueError(f"costs must be at least 0, but the smallest is {costs.min()}.")
    accumulated = accumulate(costs)
    return float(accumulated[-1, -1]), trace(accumulated)


def accumulate(costs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum up the cheapest way to every cell.

    The cells of an anti-diagonal depend on the two before it and not on each other, so each is one vector operation.

    Args:
        costs: (T, U) float64.

    Returns:
        (T + 1, U + 1) float64, with a border of infinity before the first row and column and 0 in its corner.
    """
    rows, columns = costs.shape
    accumulated = np.full((rows + 1, columns + 1), np.inf)
    accumulated[0, 0] = 0.0
    accumulated[1:, 1:] = costs
    flat = accumulated.reshape(-1)
    up, left = columns + 1, 1  # how far back the neighbours lie in the flat array
    for diagonal in range(2, rows + columns + 1):
        top, bottom = max(1, diagonal - columns), min(rows, diagonal - 1)
        start = top * up + diagonal - top
        stop = bottom * up + diagonal - bottom + 1
        step = up - left
        cells = flat[start:stop:step]
        before = np.minimum(flat[start - up : stop - up : step], flat[start - left : stop - left : step])
        np.minimum(before, flat[start - up - left : stop - up - left : step], out=before)
        cells += before
    return accumulated


def trace(accumulated: NDArray[np.float64]) -> NDArray[np.intp]:
    """Walk from the last cell to the first by the cheapest neighbours.

    Args:
        accumulated: (T + 1, U + 1), from `accumulate`.

    Returns:
        (P, 2) cells of the cost matrix, first to last.
    """
    row, column = accumulated.shape[0] - 1, accumulated.shape[1] - 1
    path = []
    while row > 0:  # the corner is the only finite cell of the border, so row and column reach it together
        path.append((row - 1, column - 1))
        diagonal = accumulated[row - 1, column - 1]
        up, left = accumulated[row - 1, column], accumulated[row, column - 1]
        if diagonal <= up and diagonal <= left:
            row, column = row - 1, column - 1
        elif up <= left:
            row -= 1
        else:
            column -= 1
    return np.array(path[::-1], dtype=np.intp)
