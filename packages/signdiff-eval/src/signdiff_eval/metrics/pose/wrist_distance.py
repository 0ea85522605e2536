"""The SLRTP 2025 challenge's total distance, which follows the two wrists."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from signdiff_eval import _checks
from signdiff_eval.functional.pose.total_distance import total_distance_statistics
from signdiff_eval.metrics.metric import Metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


class WristDistance(Metric):
    """Path length of each wrist relative to the reference's, summed over the corpus, then the mean of the two wrists.

    It is `TotalDistance` of one wrist at a time. The challenge calls it ``total_distance``.

    Example:
        >>> import numpy as np
        >>> reference = np.linspace(0, 1, 8).reshape(8, 1, 1) * np.ones((1, 2, 3))
        >>> metric = WristDistance()
        >>> metric.update(reference, reference * [[1.0], [0.5]])
        >>> round(metric.compute(), 6)
        0.75
    """

    ideal: ClassVar[float] = 1.0
    columns: ClassVar[int] = 4

    @property
    def name(self) -> str:
        """``total_distance``, as in the challenge."""
        return "total_distance"

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """The joints, and what is averaged."""
        return ("joints", "wrists"), ("mean", "corpus,wrists")

    def update(self, reference: ArrayLike, hypothesis: ArrayLike) -> None:
        """Take in one pair.

        Args:
            reference: (T, 2, C) positions of the two wrists.
            hypothesis: (U, 2, C).

        Raises:
            ValueError: other shapes, or a number that isn't finite.
        """
        reference = _checks.sequence("reference", reference, ndim=3, axes="(T, 2, C)")
        if reference.shape[1] != 2:
            raise ValueError(f"reference must have the shape (T, 2, C), but has {reference.shape}.")
        left, right = (total_distance_statistics(reference, hypothesis, joints=[wrist]) for wrist in (0, 1))
        self._rows.append((*left, *right))

    def score_of(self, statistics: NDArray[np.float64]) -> float:
        """Average the two ratios.

        Args:
            statistics: (number of pairs, 4): path lengths of hypothesis and reference, for one wrist, then the other.

        Raises:
            ValueError: a wrist of the references never moves.
        """
        return (super().score_of(statistics[:, :2]) + super().score_of(statistics[:, 2:])) / 2
