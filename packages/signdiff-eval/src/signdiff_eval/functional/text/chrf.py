"""Character n-gram F-score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from signdiff_eval import _checks

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_ORDER: Final = 6
"""The longest n-grams of characters that are counted."""

BETA: Final = 2
"""How many times as much recall matters as precision."""


def chrf(hypotheses: Sequence[str], references: Sequence[str], *, lowercase: bool = False) -> float:
    """Compute chrF2 of a corpus (Popović 2015), with sacrebleu.

    Args:
        hypotheses: N sentences.
        references: the N sentences that they should be.
        lowercase: ignore case.

    Returns:
        From 0 to 100.

    Raises:
        ValueError: no sentence, or numbers of sentences that differ.
        TypeError: something else than a list of strings.

    Example:
        >>> chrf(["regen im norden"], ["regen im norden"])
        100.0
        >>> round(chrf(["regen im norden"], ["schnee im norden"]), 2)
        51.08
    """
    from sacrebleu.metrics import CHRF

    hypotheses, references = _checks.lines(hypotheses, references)
    metric = CHRF(char_order=MAX_ORDER, word_order=0, beta=BETA, lowercase=lowercase)
    return float(metric.corpus_score(hypotheses, [references]).score)


def chrf_statistics(hypothesis: str, reference: str, *, lowercase: bool = False) -> tuple[int, ...]:
    """Count what a corpus score adds up over its lines.

    Returns:
        For n = 1 to 6: the n-grams of the hypothesis, of the reference, and those that they share.
    """
    from sacrebleu.metrics.helpers import extract_all_char_ngrams

    if lowercase:
        hypothesis, reference = hypothesis.lower(), reference.lower()
    counts: list[int] = []
    ngrams = (extract_all_char_ngrams(text, MAX_ORDER, include_whitespace=False) for text in (hypothesis, reference))
    for made, true in zip(*ngrams, strict=True):
        # As in sacrebleu, n-grams have no part where the reference is too short to hold any.
        counts += [made.total() if true else 0, true.total(), (made & true).total()]
    return tuple(counts)


def combine(counts: Sequence[float]) -> float:
    """Compute chrF2 from summed counts, as `chrf_statistics` returns them."""
    precisions, recalls = [], []
    for made, true, shared in zip(counts[::3], counts[1::3], counts[2::3], strict=True):
        if made > 0 and true > 0:
            precisions.append(shared / made)
            recalls.append(shared / true)
    if not any(precisions):
        return 0.0
    precision, recall = sum(precisions) / len(precisions), sum(recalls) / len(recalls)
    return 100 * (1 + BETA**2) * precision * recall / (BETA**2 * precision + recall)
