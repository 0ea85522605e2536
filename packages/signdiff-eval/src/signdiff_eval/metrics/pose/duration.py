"""Accumulates `signdiff_eval.functional.duration`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from signdiff_eval.functional.pose.duration import duration
from signdiff_eval.metrics.metric import Metric

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class Duration(Metric):
    """Mean over pairs of the hypothesis' length relative to the reference's.

    Example:
        >>> import numpy as np
        >>> metric = Duration()
        >>> for frames in (3, 5):
        ...     metric.update(np.zeros((4, 50, 3)), np.zeros((frames, 50, 3)))
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

    def update(self, reference: ArrayLike, hypothesis: ArrayLike) -> None:
        """Take in one pair: shapes and errors as for `signdiff_eval.functional.duration`."""
        self._rows.append((duration(reference, hypothesis), 1.0))
