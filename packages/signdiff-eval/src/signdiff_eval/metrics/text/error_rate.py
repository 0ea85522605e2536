"""Accumulates `signdiff_eval.functional.wer` and `signdiff_eval.functional.cer`."""

from __future__ import annotations

from importlib.metadata import version
from typing import ClassVar

from signdiff_eval.functional.text.error_rate import NORMALIZATIONS, Normalization, character_errors, word_errors
from signdiff_eval.metrics.text.lines import TextMetric


class WER(TextMetric):
    """Word error rate over a corpus, in percent.

    Args:
        normalize: as for `signdiff_eval.functional.wer`.

    Raises:
        ValueError: an unknown normalization.

    Example:
        >>> metric = WER()
        >>> metric.update("the cat sat down", "the cat sat")
        >>> metric.compute()
        25.0
        >>> print(metric.signature)  # doctest: +ELLIPSIS
        wer|norm:none|mean:corpus|jiwer:...|version:...
    """

    ideal: ClassVar[float] = 0.0

    def __init__(self, *, normalize: Normalization = "none") -> None:
        if normalize not in NORMALIZATIONS:
            raise ValueError(f"normalize must be one of {', '.join(NORMALIZATIONS)}, but is {normalize!r}.")
        super().__init__()
        self.normalize = normalize

    @property
    def name(self) -> str:
        """``wer``."""
        return "wer"

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """What is done to texts before, what is averaged, and jiwer's version."""
        return ("norm", self.normalize), ("mean", "corpus"), ("jiwer", version("jiwer"))

    def row_of(self, reference: str, hypothesis: str) -> tuple[float, ...]:
        """Count errors, in hundreds, and the reference's words."""
        errors, words = word_errors(hypothesis, reference, self.normalize)
        return 100.0 * errors, words


class CER(TextMetric):
    """Character error rate over a corpus, in percent.

    Example:
        >>> metric = CER()
        >>> metric.update("hello", "hallo")
        >>> metric.compute()
        20.0
    """

    ideal: ClassVar[float] = 0.0

    @property
    def name(self) -> str:
        """``cer``."""
        return "cer"

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """What is averaged, and jiwer's version."""
        return ("mean", "corpus"), ("jiwer", version("jiwer"))

    def row_of(self, reference: str, hypothesis: str) -> tuple[float, ...]:
        """Count errors, in hundreds, and the reference's characters."""
        errors, characters = character_errors(hypothesis, reference)
        return 100.0 * errors, characters
