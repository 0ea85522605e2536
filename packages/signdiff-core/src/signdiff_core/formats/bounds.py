"""What a coordinate can be, in whatever unit: finite, and at most a million either way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST: Final = 1_000_000
"""Largest absolute value of a coordinate; pictures have less than 65,536 pixels a side."""

_AT_ONCE: Final = 1 << 22


def outside(values: NDArray[np.floating], absent: NDArray[np.bool_] | None = None) -> tuple[int, ...] | None:
    """Find the first value that no coordinate can have: NaN, infinity, or beyond `LARGEST`.

    Args:
        values: (T, ...) coordinates.
        absent: of the same shape; what is true there is not looked at.

    Returns:
        Its index, or nothing if all are in bounds.

    Example:
        >>> outside(np.array([[0.5, 2.0], [1e30, np.nan]]))
        (1, 0)
    """
    step = max(1, _AT_ONCE // max(1, values[:1].size))
    for start in range(0, len(values), step):
        # Written so that NaN, which compares as false, is outside.
        wrong = ~(np.abs(values[start : start + step]) <= LARGEST)
        if absent is not None:
            wrong &= ~absent[start : start + step]
        if wrong.any():
            frame, *rest = np.unravel_index(int(wrong.argmax()), wrong.shape)
            return (start + int(frame), *map(int, rest))
    return None
