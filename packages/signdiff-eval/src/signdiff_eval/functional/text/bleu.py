"""BLEU-1 to BLEU-4 as papers on sign languages report them."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from signdiff_eval import _checks

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_ORDER: Final = 4
"""The longest n-grams that are counted."""


_EXTRAS: Final = {"ja-mecab": ("ja", "MeCab"), "ko-mecab": ("ko", "mecab_ko")}
"""Tokenizers to the extra of sacrebleu that brings them, and a module of it."""


class Bleu(NamedTuple):
    """BLEU with n-grams up to 1, 2, 3 and 4 words, each from 0 to 100."""

    bleu1: float
    bleu2: float
    bleu3: float
    bleu4: float


def bleu(
    hypotheses: Sequence[str], references: Sequence[str], tokenize: str = "none", *, lowercase: bool = False
) -> Bleu:
    """Compute BLEU-1 to BLEU-4 of a corpus (Papineni et al. 2002), with sacrebleu.

    With ``tokenize="none"`` it is what the evaluation of Camgoz et al. (2018, 2020) and of the SLRTP 2025 challenge
    computes: words as the text separates them, n-gram counts and lengths summed over the corpus, the geometric mean of
    the precisions up to n, no smoothing.

    Args:
        hypotheses: N sentences.
        references: the N sentences that they should be.
        tokenize: name of one of sacrebleu's tokenizers, such as ``none``, ``13a``, ``intl`` or ``char``.
        lowercase: ignore case.

    Returns:
        Four numbers from 0 to 100, 100 for equal texts of at least four words a line.

    Raises:
        ValueError: no sentence, numbers of sentences that differ, or an unknown tokenizer.
        ModuleNotFoundError: the tokenizer needs an extra of sacrebleu that isn't installed.
        TypeError: something else than a list of strings.

    Example:
        >>> bleu(["the cat sat on the mat"], ["the cat sat on the mat"]).bleu4
        100.0
        >>> [round(score, 2) for score in bleu(["the cat sat on a mat"], ["the cat sat on the mat"])]
        [83.33, 70.71, 63.0, 53.73]
    """
    hypotheses, references = _checks.lines(hypotheses, references)
    score = counter(tokenize, lowercase).corpus_score(hypotheses, [references])
    return Bleu(*(combine(score.counts, score.totals, score.sys_len, score.ref_len, n) for n in range(1, 5)))


def counter(tokenize: str, lowercase: bool) -> Any:
    """Make the object of sacrebleu that counts n-grams.

    Raises:
        ValueError: sacrebleu has no such tokenizer.
        ModuleNotFoundError: the tokenizer needs an extra of sacrebleu that isn't installed.
        OSError: the tokenizer needs a model that sacrebleu can't fetch.
    """
    from sacrebleu.metrics import BLEU

    if tokenize not in BLEU.TOKENIZERS:
        raise ValueError(f"tokenize must be one of {', '.join(BLEU.TOKENIZERS)}, but is {tokenize!r}.")
    if tokenize in _EXTRAS:
        extra, module = _EXTRAS[tokenize]
        if find_spec(module) is None:
            raise ModuleNotFoundError(f'tokenize {tokenize!r} needs {module}: pip install "sacrebleu[{extra}]".')
    try:
        return BLEU(tokenize=tokenize, lowercase=lowercase, force=True, smooth_method="none", max_ngram_order=MAX_ORDER)
    except OSError as error:
        raise OSError(f"tokenize {tokenize!r} needs a model that sacrebleu can't fetch ({error}).") from error


def combine(correct: Sequence[int], total: Sequence[int], sys_len: int, ref_len: int, order: int) -> float:
    """Compute BLEU from counts.

    Args:
        correct: for n = 1, 2, ... how many n-grams of the hypotheses the references hold too.
        total: how many n-grams the hypotheses hold.
        sys_len: words of the hypotheses.
        ref_len: words of the references.
        order: the longest n-grams that matter.

    Returns:
        From 0 to 100.
    """
    from sacrebleu.metrics import BLEU

    correct, total = list(correct[:order]), list(total[:order])
    if not all(correct):  # the geometric mean; sacrebleu's is a tiny number where it should be 0
        return 0.0
    # A geometric mean of 100s may exceed 100 by rounding.
    return min(100.0, float(BLEU.compute_bleu(correct, total, sys_len, ref_len, "none", max_ngram_order=order).score))
