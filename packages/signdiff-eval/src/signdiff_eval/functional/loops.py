"""The inner loops, compiled once for each machine where their code can be kept.

Dynamic time warping, on costs that are made row by row: no library computes all of these costs. dtaidistance's
multivariate alignment knows Euclidean and squared Euclidean distances of whole frames only, and returns its path from
a table of 8 bytes a cell. Here a row of costs lives no longer than it is needed; a total takes memory for two rows, a
path one byte a cell. And the sums over Gaussian windows that structural similarity is made of.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a function with numba's compiler, so that threads run it side by side; options are of `numba.njit`."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            made = njit(nogil=True, cache=True, **options)(function)
        except RuntimeError:  # numba's word for: neither this folder nor the user's can be written to
            made = njit(nogil=True, **options)(function)
        return made  # type: ignore[no-any-return]

    return decorate


CITYBLOCK: Final = 0
"""Cost of two frames: sum of absolute differences."""

EUCLIDEAN: Final = 1
"""Cost of two frames: Euclidean distance of all their values."""

JOINTS: Final = 2
"""Cost of two frames: mean over joints of the Euclidean distance of each."""

# Where a cell is entered from: 0 the diagonal, 1 the frame before in the first sequence, 2 that in the second.


@compiled(fastmath={"reassoc", "contract", "nsz"})  # sums in any order, to use the processor's vectors
def _costs(kind: int, axes: int, frame: Any, others: Any, out: Any) -> None:
    values = len(frame)
    for u in range(len(others)):
        total = 0.0
        if kind == 0:
            for k in range(values):
                total += abs(frame[k] - others[u, k])
        elif kind == 1:
            for k in range(values):
                total += (frame[k] - others[u, k]) ** 2
            total = np.sqrt(total)
        else:
            for joint in range(0, values, axes):
                square = 0.0
                for k in range(joint, joint + axes):
                    square += (frame[k] - others[u, k]) ** 2
                total += np.sqrt(square)
            total /= values // axes
        out[u] = total


@compiled()
def _advance(costs: Any, above: Any, now: Any, steps: Any) -> None:
    now[0] = left = np.inf
    for u in range(len(costs)):
        best, step = above[u], 0
        if above[u + 1] < best:
            best, step = above[u + 1], 1
        if left < best:
            best, step = left, 2
        left = costs[u] + best
        now[u + 1] = left
        steps[u] = step


@compiled()
def _total(kind: int, axes: int, first: Any, second: Any) -> float:
    length = len(second)
    above, now, costs = np.full(length + 1, np.inf), np.empty(length + 1), np.empty(length)
    steps = np.empty(length, dtype=np.uint8)
    above[0] = 0.0
    for t in range(len(first)):
        _costs(kind, axes, first[t], second, costs)
        _advance(costs, above, now, steps)
        above, now = now, above
    return above[length]  # type: ignore[no-any-return]


@compiled()
def _steps(kind: int, axes: int, first: Any, second: Any) -> Any:
    length = len(second)
    above, now, costs = np.full(length + 1, np.inf), np.empty(length + 1), np.empty(length)
    steps = np.empty((len(first), length), dtype=np.uint8)
    above[0] = 0.0
    for t in range(len(first)):
        _costs(kind, axes, first[t], second, costs)
        _advance(costs, above, now, steps[t])
        above, now = now, above
    return steps


@compiled()
def _steps_of_matrix(costs: Any) -> Any:
    length = costs.shape[1]
    above, now = np.full(length + 1, np.inf), np.empty(length + 1)
    steps = np.empty(costs.shape, dtype=np.uint8)
    above[0] = 0.0
    for t in range(len(costs)):
        _advance(costs[t], above, now, steps[t])
        above, now = now, above
    return above[length], steps


@compiled()
def _trace(steps: Any) -> Any:
    t, u = steps.shape[0] - 1, steps.shape[1] - 1
    path = np.empty((t + u + 1, 2), dtype=np.intp)
    place = t + u
    path[place] = t, u
    while t > 0 or u > 0:
        step = steps[t, u]
        if step != 2:
            t -= 1
        if step != 1:
            u -= 1
        place -= 1
        path[place] = t, u
    return path[place:].copy()


@compiled(fastmath={"reassoc", "contract", "nsz"})
def _joint_error(axes: int, frame: Any, other: Any) -> float:
    total = 0.0
    for joint in range(0, len(frame), axes):
        square = 0.0
        for k in range(joint, joint + axes):
            square += (frame[k] - other[k]) ** 2
        total += np.sqrt(square)
    return total


@compiled()
def _error_along(axes: int, first: Any, second: Any, path: Any) -> float:
    total = 0.0
    for step in range(len(path)):
        total += _joint_error(axes, first[path[step, 0]], second[path[step, 1]])
    return total


def total_cost(kind: int, first: NDArray[np.float64], second: NDArray[np.float64], *, axes: int = 1) -> float:
    """Sum the costs along the cheapest path between (T, D) and (U, D), contiguous float64.

    The kind is `CITYBLOCK`, `EUCLIDEAN` or `JOINTS`, for which ``axes`` values are a joint.
    """
    return float(_total(kind, axes, first, second))


def cheapest_path(
    kind: int, first: NDArray[np.float64], second: NDArray[np.float64], *, axes: int = 1
) -> NDArray[np.intp]:
    """Find the cheapest path, arguments as for `total_cost`: (P, 2) pairs of frames, first to last."""
    path: NDArray[np.intp] = _trace(_steps(kind, axes, first, second))
    return path


def joint_error(first: NDArray[np.float64], second: NDArray[np.float64], path: NDArray[np.intp], *, axes: int) -> float:
    """Sum the Euclidean distances of all joints over all steps of a path."""
    return float(_error_along(axes, first, second, path))


def solve(costs: NDArray[np.float64]) -> tuple[float, NDArray[np.intp]]:
    """Find the cheapest path through a matrix of costs (T, U), contiguous float64: its total, and its (P, 2) cells."""
    total, steps = _steps_of_matrix(costs)
    return float(total), _trace(steps)


@compiled()
def mean_similarity(left: Any, right: Any, weights: Any, c1: float, c2: float) -> float:
    """Average equation 13 of Wang et al. (2004) over all windows that lie within two images, (H, W, channels) uint8.

    Images are taken apart into rows; a window's sums are first made down the columns, then along the row. The channels
    of a pixel lie side by side, so a step to the next pixel is as many values as there are channels. A window's weights
    are products of ``weights``, (taps,) float64 with the sum 1; c1 steadies the comparison of means, c2 that of
    variances.
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
