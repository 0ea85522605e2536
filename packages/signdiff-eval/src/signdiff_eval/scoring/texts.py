"""Scores of a system's sentences against their references, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signdiff_eval.metrics import BLEU, CER, CHRF, ROUGE, WER
from signdiff_eval.scoring.report import Report, scores_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from signdiff_eval.scoring.report import Protocol


def score_texts(
    references: Sequence[str],
    hypotheses: Sequence[str],
    *,
    ceiling: Sequence[str] | None = None,
    tokenize: str = "none",
    lowercase: bool = False,
    protocol: Protocol = "free",
) -> Report:
    """Score sentences: ``bleu1`` to ``bleu4``, ``chrf``, ``rouge``, ``wer``, ``cer``.

    Args:
        references: N sentences.
        hypotheses: the system's N sentences.
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
    system, best = (
        [
            *(BLEU(order, tokenize=tokenize, lowercase=lowercase) for order in (1, 2, 3, 4)),
            *(CHRF(lowercase=lowercase), ROUGE(), WER(), CER()),
        ]
        for _ in range(2)
    )
    for metric, limit in zip(system, best, strict=True):
        metric.update(references, hypotheses)
        limit.update(references, references if ceiling is None else ceiling)
    settings = {
        "n": str(len(references)),
        "ceiling": "reference" if ceiling is None else "translated",
        "protocol": protocol,
    }
    scored = scores_of(system, best, settings)
    return Report(
        scored.scores,
        len(references),
        names=tuple(f"line {number}" for number in range(1, len(references) + 1)),
        system=scored.system,
        unscored=scored.unscored,
    )
