"""Scores of freely decoded poses against the reference, for validation while training.

`signdiff-eval` holds the published protocols; these figures are plain enough to be computed at every validation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mean_joint_error(reference: NDArray[np.floating], hypothesis: NDArray[np.floating]) -> NDArray[np.float64]:
    """Compare every frame with every other.

    Args:
        reference: (R, J, 3).
        hypothesis: (H, J, 3).

    Returns:
        (R, H): mean distance of the joints, in the unit of the poses.
    """
    errors = np.empty((len(reference), len(hypothesis)))
    for row, frame in enumerate(reference):
        errors[row] = np.linalg.norm(hypothesis - frame, axis=-1).mean(-1)
    return errors


def dtw_mje(reference: NDArray[np.floating], hypothesis: NDArray[np.floating]) -> float:
    """Mean joint error along the path of dynamic time warping.

    Args:
        reference: (R, J, 3).
        hypothesis: (H, J, 3).

    Returns:
        The path's total error over its number of pairs, in the unit of the poses.

    >>> still = np.zeros((4, 50, 3))
    >>> round(dtw_mje(still, np.stack([still[0], still[0] + 1.0])), 3)
    0.433
    """
    cost = mean_joint_error(reference, hypothesis)
    rows, columns = cost.shape
    # One cell more at both starts; the cells of an anti-diagonal depend on the two before it only.
    total = np.full((rows + 1, columns + 1), np.inf)
    pairs = np.zeros((rows + 1, columns + 1))
    total[0, 0] = 0.0
    for diagonal in range(2, rows + columns + 1):
        i = np.arange(max(1, diagonal - columns), min(rows, diagonal - 1) + 1)
        j = diagonal - i
        before = np.stack([total[i - 1, j - 1], total[i - 1, j], total[i, j - 1]])
        lengths = np.stack([pairs[i - 1, j - 1], pairs[i - 1, j], pairs[i, j - 1]])
        best, cells = before.argmin(axis=0), np.arange(len(i))
        total[i, j] = before[best, cells] + cost[i - 1, j - 1]
        pairs[i, j] = lengths[best, cells] + 1
    return float(total[rows, columns] / pairs[rows, columns])


def distance_travelled(joints: NDArray[np.floating]) -> float:
    """Add up how far the joints move.

    Args:
        joints: (T, J, 3).

    Returns:
        Sum over time of the mean distance that the joints move from one frame to the next.
    """
    return float(np.linalg.norm(np.diff(joints, axis=0), axis=-1).mean(-1).sum())
