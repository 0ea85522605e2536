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
    one byte a cell beside the costs.

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
    from signdiff_eval.functional.pose.recurrence import solve

    costs = _checks.sequence("costs", costs, ndim=2, axes="(T, U)")
    if (costs < 0).any():
        raise ValueError(f"costs must be at least 0, but the smallest is {costs.min()}.")
    return solve(np.ascontiguousarray(costs))
