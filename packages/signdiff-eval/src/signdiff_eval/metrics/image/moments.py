"""Count, mean and scatter of rows that come in batches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass
class Moments:
    """What a mean and a covariance need, joined batch by batch as Chan et al. (1979) do, without cancellation.

    Attributes:
        count: rows so far.
        mean: (D,) float64.
        scatter: (D, D) sum of the outer products of deviations from the mean.
    """

    count: int = 0
    mean: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    scatter: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))

    @property
    def covariance(self) -> NDArray[np.float64]:
        """(D, D) sample covariance, of at least two rows."""
        return self.scatter / (self.count - 1)

    def add(self, rows: NDArray[np.float64]) -> None:
        """Add rows (N, D)."""
        mean = rows.mean(axis=0)
        deviations = rows - mean
        self.merge(type(self)(len(rows), mean, deviations.T @ deviations))

    def merge(self, other: Moments) -> None:
        """Add the rows that another has seen.

        Raises:
            ValueError: they have another length.
        """
        if not other.count:
            return
        if not self.count:
            self.count, self.mean, self.scatter = other.count, other.mean.copy(), other.scatter.copy()
            return
        if len(self.mean) != len(other.mean):
            raise ValueError(f"features must keep their number, but were {len(self.mean)} and are {len(other.mean)}.")
        count = self.count + other.count
        difference = other.mean - self.mean
        self.scatter = (
            self.scatter + other.scatter + np.outer(difference, difference) * (self.count * other.count / count)
        )
        self.mean = self.mean + difference * (other.count / count)
        self.count = count

    def flat(self) -> NDArray[np.float64]:
        """Write everything as one array (1 + D + D²,)."""
        return np.concatenate([[self.count], self.mean, self.scatter.reshape(-1)])

    @classmethod
    def from_flat(cls, values: NDArray[np.float64]) -> Self:
        """Read what `flat` wrote."""
        size = round((np.sqrt(4 * len(values) - 3) - 1) / 2)
        return cls(int(values[0]), values[1 : 1 + size], values[1 + size :].reshape(size, size))
