"""Accumulates the scores of sentences in `signdiff_eval.functional.text`."""

from abc import abstractmethod
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from signdiff_eval import _checks
from signdiff_eval.functional import text
from signdiff_eval.metrics.metric import Metric
from signdiff_eval.signature import Signature


class TextMetric(Metric):
    """A score of sentences: one row for each line."""

    def update(self, hypothesis: str | Sequence[str], reference: str | Sequence[str]) -> None:
        """Take in one line, or several.

        Args:
            hypothesis: the system's sentence, or N of them.
            reference: what it should be: a sentence, or N of them.

        Raises:
            ValueError: numbers of sentences that differ, or none.
            TypeError: something else than strings.
        """
        hypotheses = [hypothesis] if isinstance(hypothesis, str) else hypothesis
        references = [reference] if isinstance(reference, str) else reference
        hypotheses, references = _checks.lines(hypotheses, references)
        self._rows += [self.row_of(*pair) for pair in zip(hypotheses, references, strict=True)]

    @abstractmethod
    def row_of(self, hypothesis: str, reference: str) -> tuple[float, ...]:
        """Count what one line adds to the score."""


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
        >>> metric.update("the cat sat on a mat", "the cat sat on the mat")
        >>> round(metric.compute(), 2)
        83.33
        >>> print(metric.signature)  # doctest: +ELLIPSIS
        bleu1|refs:1|case:mixed|tok:none|smooth:none|mean:corpus|sacrebleu:...|version:...
    """

    ideal: ClassVar[float] = 100.0
    columns: ClassVar[int] = 2 * text.BLEU_ORDER + 2

    def __init__(self, order: int = text.BLEU_ORDER, *, tokenize: str = "none", lowercase: bool = False) -> None:
        if not 1 <= order <= text.BLEU_ORDER:
            raise ValueError(f"order must be from 1 to {text.BLEU_ORDER}, but is {order}.")
        super().__init__()
        self._counter = text.bleu_counter(tokenize, lowercase)
        self.order = order
        self.tokenize = tokenize
        self.lowercase = lowercase

    @classmethod
    def suite(cls, *, tokenize: str = "none", lowercase: bool = False, **options: Any) -> list[Self]:
        """All four orders."""
        return [cls(order, tokenize=tokenize, lowercase=lowercase) for order in range(1, text.BLEU_ORDER + 1)]

    @classmethod
    def of_signature(cls, signature: Signature) -> Self | None:
        """Take order, tokenizer (a ValueError if unknown) and case from name and settings."""
        if signature.name not in {f"bleu{order}" for order in range(1, text.BLEU_ORDER + 1)}:
            return None
        settings = dict(signature.settings)
        lowercase = settings.get("case") == "lower"
        return cls(int(signature.name[-1]), tokenize=settings.get("tok", "none"), lowercase=lowercase)

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

    def row_of(self, hypothesis: str, reference: str) -> tuple[float, ...]:
        """Count n-grams in common, n-grams of the hypothesis (4 each), and words of hypothesis and reference."""
        score = self._counter.corpus_score([hypothesis], [[reference]])
        return *score.counts, *score.totals, score.sys_len, score.ref_len

    def score_of(self, statistics: NDArray[np.float64]) -> float:
        """Compute BLEU of summed counts: (number of lines, 10), as from `row_of`."""
        counts = [int(count) for count in statistics.sum(axis=0)]
        return text.bleu_of(counts[: text.BLEU_ORDER], counts[text.BLEU_ORDER : -2], counts[-2], counts[-1], self.order)


class CHRF(TextMetric):
    """chrF2 over a corpus.

    Args:
        lowercase: ignore case.

    Example:
        >>> metric = CHRF()
        >>> metric.update("regen im norden", "schnee im norden")
        >>> round(metric.compute(), 2)
        51.08
    """

    ideal: ClassVar[float] = 100.0
    name = "chrf"
    columns: ClassVar[int] = 3 * text.CHRF_ORDER

    def __init__(self, *, lowercase: bool = False) -> None:
        super().__init__()
        self.lowercase = lowercase

    @classmethod
    def suite(cls, *, lowercase: bool = False, **options: Any) -> list[Self]:
        """One."""
        return [cls(lowercase=lowercase)]

    @classmethod
    def of_signature(cls, signature: Signature) -> Self | None:
        """Take the case from the settings."""
        return cls(lowercase=("case", "lower") in signature.settings) if signature.name == "chrf" else None

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """References a line, case, orders, what is averaged, and sacrebleu's version."""
        case = "lower" if self.lowercase else "mixed"
        return (
            *(("refs", "1"), ("case", case), ("nc", str(text.CHRF_ORDER)), ("nw", "0"), ("beta", str(text.CHRF_BETA))),
            *(("space", "no"), ("mean", "corpus"), ("sacrebleu", version("sacrebleu"))),
        )

    def row_of(self, hypothesis: str, reference: str) -> tuple[float, ...]:
        """Count, for n = 1 to 6, the n-grams of the hypothesis, of the reference, and those in common."""
        return text.chrf_statistics(hypothesis, reference, lowercase=self.lowercase)

    def score_of(self, statistics: NDArray[np.float64]) -> float:
        """Compute chrF2 of summed counts: (number of lines, 18), as from `row_of`."""
        return text.chrf_of(statistics.sum(axis=0).tolist())


class ROUGE(TextMetric):
    """Mean ROUGE-L F-score over lines.

    Example:
        >>> metric = ROUGE()
        >>> metric.update(["a b", "d e"], ["a x b c", "d e"])
        >>> round(metric.compute(), 4)
        81.4433
        >>> print(metric.signature)  # doctest: +ELLIPSIS
        rouge|type:l|beta:1.2|tok:split|mean:line|version:...
    """

    ideal: ClassVar[float] = 100.0
    name = "rouge"
    settings = (("type", "l"), ("beta", str(text.ROUGE_BETA)), ("tok", "split"), ("mean", "line"))

    def row_of(self, hypothesis: str, reference: str) -> tuple[float, ...]:
        """Compute the line's score; the second number counts lines."""
        return text.sentence_rouge(hypothesis, reference), 1.0


class WER(TextMetric):
    """Word error rate over a corpus, in percent.

    Args:
        normalise: as for `signdiff_eval.functional.wer`.

    Raises:
        ValueError: an unknown normalisation.

    Example:
        >>> metric = WER()
        >>> metric.update("the cat sat", "the cat sat down")
        >>> metric.compute()
        25.0
        >>> print(metric.signature)  # doctest: +ELLIPSIS
        wer|norm:none|mean:corpus|jiwer:...|version:...
    """

    ideal: ClassVar[float] = 0.0
    name = "wer"

    def __init__(self, *, normalise: text.Normalisation = "none") -> None:
        if normalise not in text.NORMALISATIONS:
            raise ValueError(f"normalise must be one of {', '.join(text.NORMALISATIONS)}, but is {normalise!r}.")
        super().__init__()
        self.normalise = normalise

    @classmethod
    def of_signature(cls, signature: Signature) -> Self | None:
        """Take from the settings what is done to texts before; a ValueError if it is unknown."""
        normalise: Any = dict(signature.settings).get("norm", "none")
        return cls(normalise=normalise) if signature.name == "wer" else None

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """What is done to texts before, what is averaged, and jiwer's version."""
        return ("norm", self.normalise), ("mean", "corpus"), ("jiwer", version("jiwer"))

    def row_of(self, hypothesis: str, reference: str) -> tuple[float, ...]:
        """Count errors, in hundreds, and the reference's words."""
        errors, words = text.word_errors(hypothesis, reference, self.normalise)
        return 100.0 * errors, words


class CER(TextMetric):
    """Character error rate over a corpus, in percent.

    Example:
        >>> metric = CER()
        >>> metric.update("hallo", "hello")
        >>> metric.compute()
        20.0
    """

    ideal: ClassVar[float] = 0.0
    name = "cer"

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """What is averaged, and jiwer's version."""
        return ("mean", "corpus"), ("jiwer", version("jiwer"))

    def row_of(self, hypothesis: str, reference: str) -> tuple[float, ...]:
        """Count errors, in hundreds, and the reference's characters."""
        errors, characters = text.character_errors(hypothesis, reference)
        return 100.0 * errors, characters
