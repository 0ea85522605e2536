"""Accumulates `signdiff_eval.functional.bleu`."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, ClassVar

from signdiff_eval.functional.text.bleu import MAX_ORDER, combine, counter
from signdiff_eval.metrics.text.lines import TextMetric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class BLEU(TextMetric):
    """BLEU over a corpus, with n-grams up to one length.

    Args:
        order: the longest n-grams that matter, 1 to 4.
        tokenize: as for `signdiff_eval.functional.bleu`.
        lowercase: likewise.

    Raises:
        ValueError: another order, or an unknown tokenizer.

    Example:
        >>> metric = BLEU(1)
        >>> metric.update("the cat sat on the mat", "the cat sat on a mat")
        >>> round(metric.compute(), 2)
        83.33
        >>> print(metric.signature)  # doctest: +ELLIPSIS
        bleu1|refs:1|case:mixed|tok:none|smooth:none|mean:corpus|sacrebleu:...|version:...
    """

    ideal: ClassVar[float] = 100.0
    columns: ClassVar[int] = 2 * MAX_ORDER + 2

    def __init__(self, order: int = MAX_ORDER, *, tokenize: str = "none", lowercase: bool = False) -> None:
        if not 1 <= order <= MAX_ORDER:
            raise ValueError(f"order must be from 1 to {MAX_ORDER}, but is {order}.")
        super().__init__()
        self._counter = counter(tokenize, lowercase)
        self.order = order
        self.tokenize = tokenize
        self.lowercase = lowercase

    @property
    def name(self) -> str:
        """``bleu1`` to ``bleu4``."""
        return f"bleu{self.order}"

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """References a line, case, tokenizer, smoothing, what is averaged, and sacrebleu's version."""
        case = "lower" if self.lowercase else "mixed"
        return (
            *(("refs", "1"), ("case", case), ("tok", self.tokenize), ("smooth", "none"), ("mean", "corpus")),
            ("sacrebleu", version("sacrebleu")),
        )

    def row_of(self, reference: str, hypothesis: str) -> tuple[float, ...]:
        """Count n-grams in common, n-grams of the hypothesis (4 each), and words of hypothesis and reference."""
        score = self._counter.corpus_score([hypothesis], [[reference]])
        return *score.counts, *score.totals, score.sys_len, score.ref_len

    def score_of(self, statistics: NDArray[np.float64]) -> float:
        """Compute BLEU of summed counts.

        Args:
            statistics: (number of lines, 10), as from `row_of`.
        """
        counts = [int(count) for count in statistics.sum(axis=0)]
        return combine(counts[:MAX_ORDER], counts[MAX_ORDER:-2], counts[-2], counts[-1], self.order)
