"""Scores of a system's sentences against their references, and of what is read from its poses."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from signdiff_eval.backtranslation.translator import Translator, texts_of
from signdiff_eval.metrics import Metric, TextMetric
from signdiff_eval.readers import PoseSequence
from signdiff_eval.readers.texts import read_texts
from signdiff_eval.scoring.report import Protocol, Report, report_of
from signdiff_eval.scoring.suites import text_metrics


def score_texts(
    hypotheses: Sequence[str],
    references: Sequence[str],
    *,
    ceiling: Sequence[str] | None = None,
    tokenize: str = "none",
    lowercase: bool = False,
    protocol: Protocol = "free",
) -> Report:
    """Score sentences: ``bleu1`` to ``bleu4``, ``chrf``, ``rouge``, ``wer``, ``cer``.

    Args:
        hypotheses: the system's N sentences.
        references: the N sentences that they should be.
        ceiling: what the translator that wrote the hypotheses made of the references' own poses; the references
            themselves if not given.
        tokenize: as for `signdiff_eval.functional.bleu`.
        lowercase: ignore case in BLEU and chrF.
        protocol: how the poses were made that the sentences were read from; it goes into the signature.

    Raises:
        ValueError: numbers of sentences that differ, or none.

    Example:
        >>> report = score_texts(["a b c d"], ["a b c d"], ceiling=["a b c e"])
        >>> [(score.signature.name, score.value, score.ceiling) for score in report.scores][-1]
        ('cer', 0.0, 14.285714285714286)
    """
    system, best = (text_metrics(tokenize=tokenize, lowercase=lowercase) for _ in range(2))
    for metric, limit in zip(system, best, strict=True):
        metric.take_in(metric.update, hypotheses, references)
        limit.take_in(limit.update, references if ceiling is None else ceiling, references)
    settings = {
        "n": str(len(references)),
        "ceiling": "reference" if ceiling is None else "translated",
        "protocol": protocol,
    }
    return report_of([f"line {number}" for number in range(1, len(references) + 1)], system, best, settings)


_CHUNK: Final = 64
"""Pairs that are translated together."""


@dataclass(frozen=True, slots=True)
class BackTranslation:
    """Back translation of poses.

    Attributes:
        texts: file with what the references say: lines ``name<TAB>text``, or one a line in the order of the sequences.
        translator: from sequences to texts.
        settings: what signatures say of the translator.
    """

    texts: Path
    translator: Translator
    settings: tuple[tuple[str, str], ...]


class Translations:
    """Translates pairs of sequences, many at a time, and holds the texts alone."""

    def __init__(self, back_translation: BackTranslation) -> None:
        self._back_translation = back_translation
        self._waiting: list[tuple[PoseSequence, PoseSequence]] = []
        self._texts: list[tuple[str, str]] = []

    def add(self, hypothesis: PoseSequence, reference: PoseSequence) -> None:
        """Take a pair."""
        self._waiting.append((hypothesis, reference))
        if len(self._waiting) == _CHUNK:
            self._translate()

    def finish(
        self, names: Sequence[str], system: Sequence[Metric], ceiling: Sequence[Metric]
    ) -> tuple[tuple[str, str, str], ...]:
        """Update the metrics of texts, the ceiling's with what was read from the references.

        For each pair it gives what was read from the hypothesis, from the reference, and what should be said.
        """
        self._translate()
        wanted = read_texts(self._back_translation.texts, names)
        texts = tuple((made, true, said) for (made, true), said in zip(self._texts, wanted, strict=True))
        for side, place in ((system, 0), (ceiling, 1)):
            for metric in side:
                if isinstance(metric, TextMetric):
                    metric.take_in(metric.update, [text[place] for text in texts], wanted)
        return texts

    def _translate(self) -> None:
        if not self._waiting:
            return
        made, true = (texts_of(self._back_translation.translator, side) for side in zip(*self._waiting, strict=True))
        self._texts += zip(made, true, strict=True)
        self._waiting.clear()
