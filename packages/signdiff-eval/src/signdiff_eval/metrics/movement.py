"""Accumulates `signdiff_eval.functional.total_distance` and `signdiff_eval.functional.duration`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from signdiff_eval import _checks
from signdiff_eval.functional.movement import duration, total_distance_statistics
from signdiff_eval.metrics.metric import Metric


class TotalDistance(Metric):
    """Path length that all hypotheses travel, relative to that of all references.

    Args:
        joints: indices of the joints to follow; all of them if not given.

    Example:
        >>> import numpy as np
        >>> reference = np.linspace(0, 1, 8).reshape(8, 1, 1) * np.ones((1, 50, 3))
        >>> metric = TotalDistance()
        >>> metric.update(np.zeros((8, 50, 3)), reference)
        >>> metric.compute()
        0.0
    """

    ideal: ClassVar[float] = 1.0

    def __init__(self, joints: Sequence[int] | None = None) -> None:
        super().__init__()
        self.joints = None if joints is None else tuple(joints)

    @property
    def name(self) -> str:
        """``total_distance``."""
        return "total_distance"

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """The joints, and that path lengths are summed over the corpus before they are divided."""
        joints = "all" if self.joints is None else ",".join(map(str, self.joints))
        return ("joints", joints), ("mean", "corpus")

    def update(self, hypothesis: ArrayLike, reference: ArrayLike) -> None:
        """Take in one pair: shapes and errors as for `signdiff_eval.functional.total_distance`.

        A reference that doesn't move is no error as long as another one does.
        """
        self._rows.append(total_distance_statistics(hypothesis, reference, joints=self.joints))


class WristDistance(Metric):
    """Path length of each wrist relative to the reference's, summed over the corpus, then the mean of the two wrists.

    It is `TotalDistance` of one wrist at a time. The challenge calls it ``total_distance``.

    Example:
        >>> import numpy as np
        >>> reference = np.linspace(0, 1, 8).reshape(8, 1, 1) * np.ones((1, 2, 3))
        >>> metric = WristDistance()
        >>> metric.update(reference * [[1.0], [0.5]], reference)
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

    def update(self, hypothesis: ArrayLike, reference: ArrayLike) -> None:
        """Take in one pair.

        Args:
            hypothesis: (U, 2, C) positions of the two wrists.
            reference: (T, 2, C).

        Raises:
            ValueError: other shapes, or a number that isn't finite.
        """
        reference = _checks.sequence("reference", reference, ndim=3, axes="(T, 2, C)")
        if reference.shape[1] != 2:
            raise ValueError(f"reference must have the shape (T, 2, C), but has {reference.shape}.")
        left, right = (total_distance_statistics(hypothesis, reference, joints=[wrist]) for wrist in (0, 1))
        self._rows.append((*left, *right))

    def score_of(self, statistics: NDArray[np.float64]) -> float:
        """Average the two ratios.

        Args:
            statistics: (number of pairs, 4): path lengths of hypothesis and reference, for one wrist, then the other.

        Raises:
            ValueError: a wrist of the references never moves.
        """
        return (super().score_of(statistics[:, :2]) + super().score_of(statistics[:, 2:])) / 2


class Duration(Metric):
    """Mean over pairs of the hypothesis' length relative to the reference's.

    Example:
        >>> import numpy as np
        >>> metric = Duration()
        >>> for frames in (3, 5):
        ...     metric.update(np.zeros((frames, 50, 3)), np.zeros((4, 50, 3)))
        >>> metric.compute()
        1.0
    """

    ideal: ClassVar[float] = 1.0

    @property
    def name(self) -> str:
        """``avg_duration``."""
        return "avg_duration"

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """What is averaged."""
        return (("mean", "pair"),)

    def update(self, hypothesis: ArrayLike, reference: ArrayLike) -> None:
        """Take in one pair: shapes and errors as for `signdiff_eval.functional.duration`."""
        self._rows.append((duration(hypothesis, reference), 1.0))
