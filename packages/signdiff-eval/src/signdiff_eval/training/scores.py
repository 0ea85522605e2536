"""How well a translator reads ground truth: its ceiling."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """Scores of translations of ground truth, in percent.

    Attributes:
        cer: characters to edit, of those of the references.
        wer: words to edit, likewise.
        exact: texts without an error.
        bleu4: sacrebleu's BLEU without tokenisation.
        chrf: sacrebleu's chrF.
    """

    cer: float
    wer: float
    exact: float
    bleu4: float
    chrf: float

    def numbers(self) -> dict[str, float]:
        """Turn into a dictionary."""
        return asdict(self)


def score_texts(hypotheses: Sequence[str], references: Sequence[str]) -> Ceiling:
    """Score translations.

    Args:
        hypotheses: what was read.
        references: what was signed, as many and at least one.

    Example:
        >>> scores = score_texts(["hello", "word"], ["hello", "world"])
        >>> scores.cer, scores.wer, scores.exact
        (10.0, 50.0, 50.0)
    """
    from signdiff_eval import functional

    return Ceiling(
        cer=functional.cer(hypotheses, references),
        wer=functional.wer(hypotheses, references),
        exact=100 * float(np.mean([left == right for left, right in zip(hypotheses, references, strict=True)])),
        bleu4=functional.bleu(hypotheses, references).bleu4,
        chrf=functional.chrf(hypotheses, references),
    )
