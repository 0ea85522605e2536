"""Back translation of poses, as a part of scoring them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from signdiff_eval.backtranslation.plugin import texts_of
from signdiff_eval.metrics.text.lines import TextMetric
from signdiff_eval.readers.named_texts import read_texts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from signdiff_eval.backtranslation.plugin import Translator
    from signdiff_eval.metrics import Metric
    from signdiff_eval.readers import PoseSequence

_CHUNK: Final = 64
"""Pairs that are translated together."""


@dataclass(frozen=True, slots=True)
class Reading:
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
    """Translates pairs of sequences, many at a time, and holds the texts alone.

    Args:
        reading: what translates.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._waiting: list[tuple[PoseSequence, PoseSequence]] = []
        self._texts: list[tuple[str, str]] = []

    def add(self, reference: PoseSequence, hypothesis: PoseSequence) -> None:
        """Take a pair."""
        self._waiting.append((reference, hypothesis))
        if len(self._waiting) == _CHUNK:
            self._translate()

    def finish(
        self, names: Sequence[str], system: Sequence[Metric], ceiling: Sequence[Metric]
    ) -> tuple[tuple[str, str, str], ...]:
        """Update the metrics of texts with what was read from all pairs.

        Args:
            names: of the pairs, in order.
            system: metrics, which get what was read from the hypotheses.
            ceiling: metrics, which get what was read from the references.

        Returns:
            For each pair what was read from the reference, from the hypothesis, and what should be said.

        Raises:
            ValueError: a text is missing, or the translator gave another number of texts than it got poses.
        """
        self._translate()
        wanted = read_texts(self._reading.texts, names)
        texts = tuple((true, made, said) for (true, made), said in zip(self._texts, wanted, strict=True))
        for side, place in ((ceiling, 0), (system, 1)):
            for metric in side:
                if isinstance(metric, TextMetric):
                    metric.update(wanted, [text[place] for text in texts])
        return texts

    def _translate(self) -> None:
        if not self._waiting:
            return
        true, made = (texts_of(self._reading.translator, side) for side in zip(*self._waiting, strict=True))
        self._texts += zip(true, made, strict=True)
        self._waiting.clear()
