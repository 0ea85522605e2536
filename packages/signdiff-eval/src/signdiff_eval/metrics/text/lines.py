"""What metrics of sentences have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from signdiff_eval import _checks
from signdiff_eval.metrics.metric import Metric

if TYPE_CHECKING:
    from collections.abc import Sequence


class TextMetric(Metric):
    """A score of sentences: one row for each line."""

    def update(self, reference: str | Sequence[str], hypothesis: str | Sequence[str]) -> None:
        """Take in one line, or several.

        Args:
            reference: what it should be: a sentence, or N of them.
            hypothesis: the system's sentence, or N of them.

        Raises:
            ValueError: numbers of sentences that differ, or none.
            TypeError: something else than strings.
        """
        references = [reference] if isinstance(reference, str) else reference
        hypotheses = [hypothesis] if isinstance(hypothesis, str) else hypothesis
        hypotheses, references = _checks.lines(hypotheses, references)
        self._rows += [self.row_of(*pair) for pair in zip(references, hypotheses, strict=True)]

    @abstractmethod
    def row_of(self, reference: str, hypothesis: str) -> tuple[float, ...]:
        """Count what one line adds to the score."""
