"""Accumulates `signdiff_eval.functional.chrf`."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, ClassVar

from signdiff_eval.functional.text.chrf import BETA, MAX_ORDER, chrf_statistics, combine
from signdiff_eval.metrics.text.lines import TextMetric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class CHRF(TextMetric):
    """chrF2 over a corpus.

    Args:
        lowercase: ignore case.

    Example:
        >>> metric = CHRF()
        >>> metric.update("schnee im norden", "regen im norden")
        >>> round(metric.compute(), 2)
        51.08
    """

    ideal: ClassVar[float] = 100.0
    columns: ClassVar[int] = 3 * MAX_ORDER

    def __init__(self, *, lowercase: bool = False) -> None:
        super().__init__()
        self.lowercase = lowercase

    @property
    def name(self) -> str:
        """``chrf``."""
        return "chrf"

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """References a line, case, orders, what is averaged, and sacrebleu's version."""
        case = "lower" if self.lowercase else "mixed"
        return (
            *(("refs", "1"), ("case", case), ("nc", str(MAX_ORDER)), ("nw", "0"), ("beta", str(BETA))),
            *(("space", "no"), ("mean", "corpus"), ("sacrebleu", version("sacrebleu"))),
        )

    def row_of(self, reference: str, hypothesis: str) -> tuple[float, ...]:
        """Count, for n = 1 to 6, the n-grams of the hypothesis, of the reference, and those in common."""
        return chrf_statistics(hypothesis, reference, lowercase=self.lowercase)

    def score_of(self, statistics: NDArray[np.float64]) -> float:
        """Compute chrF2 of summed counts.

        Args:
            statistics: (number of lines, 18), as from `row_of`.
        """
        return combine(statistics.sum(axis=0).tolist())
