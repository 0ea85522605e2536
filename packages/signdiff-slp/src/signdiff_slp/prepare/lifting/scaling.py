"""Pixels to a unit in which clips are alike, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """What takes a clip's pixels to mean 0 and, over all coordinates, deviation 1.

    Attributes:
        centre: (2,) mean of x and of y.
        unit: pixels of one unit: the standard deviation of all values, of x and of y, round their common mean. So
            it depends a little on where in the picture the signer is.
    """

    centre: NDArray[np.float64]
    unit: float

    @classmethod
    def of(cls, points: NDArray[np.floating]) -> Scaling:
        """Measure a clip, absent joints included, as published.

        Args:
            points: (T, 50, 2) pixels.

        Example:
            >>> scaling = Scaling.of(np.array([[[0.0, 10.0], [4.0, 14.0]]]))
            >>> scaling.centre.tolist(), round(scaling.unit, 3)
            ([2.0, 12.0], 5.385)
        """
        points = points.astype(np.float64)
        return cls(centre=points.mean(axis=(0, 1)), unit=float(points.std()))

    def apply(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Scale points (..., 2)."""
        return np.asarray((points - self.centre) / self.unit)

    def undo(self, joints: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring joints (..., 3) back to pixels; depth gets the same unit and keeps its zero."""
        return np.asarray(joints * self.unit + np.append(self.centre, 0.0))
