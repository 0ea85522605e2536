"""ROUGE-L as papers on sign languages report it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from signdiff_eval import _checks

if TYPE_CHECKING:
    from collections.abc import Sequence

BETA: Final = 1.2
"""How many times as much recall matters as precision."""


def rouge(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """Compute the mean ROUGE-L F-score with beta 1.2 over lines (Lin 2004, as Camgoz et al. 2018 report it).

    Args:
        hypotheses: N sentences, whose words stand between white space of any kind.
        references: the N sentences that they should be.

    Returns:
        From 0 to 100.

    Raises:
        ValueError: no sentence, or numbers of sentences that differ.
        TypeError: something else than a list of strings.

    Example:
        >>> rouge(["a b c d"], ["a b c d"])
        100.0
        >>> round(rouge(["a b"], ["a x b c"]), 4)  # precision 1, recall 1/2
        62.8866
    """
    hypotheses, references = _checks.lines(hypotheses, references)
    return sum(map(sentence_rouge, hypotheses, references)) / len(hypotheses)


def sentence_rouge(hypothesis: str, reference: str) -> float:
    """Compute the ROUGE-L F-score of one line, from 0 to 100; 0 if either has no word."""
    from rapidfuzz.distance import LCSseq

    made, true = hypothesis.split(), reference.split()
    common = LCSseq.similarity(made, true)
    if not common:
        return 0.0
    precision, recall = common / len(made), common / len(true)
    return 100 * (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)
