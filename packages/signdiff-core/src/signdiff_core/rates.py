"""When two frame rates are the same: files write one rate as 30000/1001, as 2997/100, and as 29.97."""

from __future__ import annotations

import math
from typing import Final

TOLERANCE: Final = 5e-4
"""Rates that differ by less, as a share, are the same: after a minute they are one frame apart at the most.
29.97 and 30, which are 0.1% apart, are two rates."""


def same_rate(left: float, right: float) -> bool:
    """Tell whether two frame rates are the same.

    Example:
        >>> same_rate(30000 / 1001, 29.97), same_rate(29.97, 30)
        (True, False)
    """
    return math.isclose(left, right, rel_tol=TOLERANCE)
