"""Frame rates: which are the same, and as what a file keeps one. Files write one rate as 30000/1001 and as 29.97."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Final

MAX_FPS: Final = 1000.0
"""Largest frame rate that is read or written; of poses also the inverse of the smallest."""

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


def as_fraction(fps: float) -> Fraction:
    """Round a frame rate to the nearest fraction with a denominator of at most 1001, as videos keep it.

    Example:
        >>> as_fraction(29.97002997), as_fraction(12.5)
        (Fraction(30000, 1001), Fraction(25, 2))
    """
    return Fraction(fps).limit_denominator(1001)
