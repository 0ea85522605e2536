"""Accumulates `signdiff_eval.functional.rouge`."""

from __future__ import annotations

from typing import ClassVar

from signdiff_eval.functional.text.rouge import BETA, sentence_rouge
from signdiff_eval.metrics.text.lines import TextMetric


class ROUGE(TextMetric):
    """Mean ROUGE-L F-score over lines.

    Example:
        >>> metric = ROUGE()
        >>> metric.update(["a x b c", "d e"], ["a b", "d e"])
        >>> round(metric.compute(), 4)
        81.4433
        >>> print(metric.signature)  # doctest: +ELLIPSIS
        rouge|type:l|beta:1.2|tok:split|mean:line|version:...
    """

    ideal: ClassVar[float] = 100.0

    @property
    def name(self) -> str:
        """``rouge``."""
        return "rouge"

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """The kind, the weight of recall, what counts as a word, and what is averaged."""
        return ("type", "l"), ("beta", str(BETA)), ("tok", "split"), ("mean", "line")

    def row_of(self, reference: str, hypothesis: str) -> tuple[float, ...]:
        """Compute the line's score; the second number counts lines."""
        return sentence_rouge(hypothesis, reference), 1.0
