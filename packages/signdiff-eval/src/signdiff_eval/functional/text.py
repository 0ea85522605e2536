"""Sentences compared line by line: BLEU, chrF, ROUGE-L, word and character error rate."""

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any, Final, Literal, NamedTuple, get_args

from signdiff_eval import _checks

BLEU_ORDER: Final = 4
"""The longest n-grams that are counted."""

_TOKENIZERS: Final = {"ja-mecab": ("ja", "MeCab"), "ko-mecab": ("ko", "mecab_ko")}
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
    score = bleu_counter(tokenize, lowercase).corpus_score(hypotheses, [references])
    return Bleu(*(bleu_of(score.counts, score.totals, score.sys_len, score.ref_len, n) for n in range(1, 5)))


def bleu_counter(tokenize: str, lowercase: bool) -> Any:
    """Make the object of sacrebleu that counts n-grams.

    A ValueError if sacrebleu has no such tokenizer, a ModuleNotFoundError if that needs an extra of sacrebleu, an
    OSError if it needs a model that can't be fetched.
    """
    from sacrebleu.metrics import BLEU

    if tokenize not in BLEU.TOKENIZERS:
        raise ValueError(f"tokenize must be one of {', '.join(BLEU.TOKENIZERS)}, but is {tokenize!r}.")
    if tokenize in _TOKENIZERS:
        extra, module = _TOKENIZERS[tokenize]
        if find_spec(module) is None:
            raise ModuleNotFoundError(f'tokenize {tokenize!r} needs {module}: pip install "sacrebleu[{extra}]".')
    try:
        return BLEU(
            tokenize=tokenize, lowercase=lowercase, force=True, smooth_method="none", max_ngram_order=BLEU_ORDER
        )
    except OSError as error:
        raise OSError(f"tokenize {tokenize!r} needs a model that sacrebleu can't fetch ({error}).") from error


def bleu_of(correct: Sequence[int], total: Sequence[int], sys_len: int, ref_len: int, order: int) -> float:
    """Compute BLEU from counts as sacrebleu names them, with n-grams of up to ``order`` words."""
    from sacrebleu.metrics import BLEU

    correct, total = list(correct[:order]), list(total[:order])
    if not all(correct):  # the geometric mean; sacrebleu's is a tiny number where it should be 0
        return 0.0
    # A geometric mean of 100s may exceed 100 by rounding.
    return min(100.0, float(BLEU.compute_bleu(correct, total, sys_len, ref_len, "none", max_ngram_order=order).score))


CHRF_ORDER: Final = 6
"""The longest n-grams of characters that are counted."""

CHRF_BETA: Final = 2
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
    metric = CHRF(char_order=CHRF_ORDER, word_order=0, beta=CHRF_BETA, lowercase=lowercase)
    return float(metric.corpus_score(hypotheses, [references]).score)


def chrf_statistics(hypothesis: str, reference: str, *, lowercase: bool = False) -> tuple[int, ...]:
    """Count what a corpus score adds up: for n = 1 to 6 the hypothesis' n-grams, the reference's, and those shared."""
    from sacrebleu.metrics.helpers import extract_all_char_ngrams

    if lowercase:
        hypothesis, reference = hypothesis.lower(), reference.lower()
    counts: list[int] = []
    ngrams = (extract_all_char_ngrams(text, CHRF_ORDER, include_whitespace=False) for text in (hypothesis, reference))
    for made, true in zip(*ngrams, strict=True):
        # As in sacrebleu, n-grams have no part where the reference is too short to hold any.
        counts += [made.total() if true else 0, true.total(), (made & true).total()]
    return tuple(counts)


def chrf_of(counts: Sequence[float]) -> float:
    """Compute chrF2 from summed counts, as `chrf_statistics` returns them."""
    precisions, recalls = [], []
    for made, true, shared in zip(counts[::3], counts[1::3], counts[2::3], strict=True):
        if made > 0 and true > 0:
            precisions.append(shared / made)
            recalls.append(shared / true)
    if not any(precisions):
        return 0.0
    precision, recall = sum(precisions) / len(precisions), sum(recalls) / len(recalls)
    return 100 * (1 + CHRF_BETA**2) * precision * recall / (CHRF_BETA**2 * precision + recall)


ROUGE_BETA: Final = 1.2
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
    return 100 * (1 + ROUGE_BETA**2) * precision * recall / (recall + ROUGE_BETA**2 * precision)


Normalisation = Literal["none", "slrtp2025"]
"""What is done to texts before their words are compared."""

NORMALISATIONS: Final[tuple[str, ...]] = get_args(Normalisation)
"""The same, to iterate over."""


def wer(hypotheses: Sequence[str], references: Sequence[str], *, normalise: Normalisation = "none") -> float:
    """Compute the word error rate of a corpus, with jiwer.

    Words that must be replaced, added or taken away, over the words of the references, both summed over the corpus.

    Args:
        hypotheses: N sentences, whose words stand between white space of any kind.
        references: the N sentences that they should be.
        normalise: ``slrtp2025`` compares, as that challenge does, in lower case, without punctuation and with
            English contractions written out.

    Returns:
        Percent: 0 is perfect, and it may exceed 100.

    Raises:
        ValueError: no sentence, numbers of sentences that differ, references without any word, or an unknown
            normalisation.
        TypeError: something else than a list of strings.

    Example:
        >>> wer(["the cat sat"], ["the cat sat down"])
        25.0
        >>> wer(["The cat sat."], ["the cat sat"], normalise="slrtp2025")
        0.0
    """
    hypotheses, references = _checks.lines(hypotheses, references)
    counts = [word_errors(*pair, normalise) for pair in zip(hypotheses, references, strict=True)]
    words = sum(words for _, words in counts)
    if not words:
        raise ValueError("references must hold at least one word, but hold none.")
    return 100 * sum(errors for errors, _ in counts) / words


def cer(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """Compute the character error rate of a corpus, with jiwer.

    As `wer` with characters instead of words; white space round a line doesn't count, and any other counts
    as one space.

    Args:
        hypotheses: N sentences.
        references: the N sentences that they should be.

    Returns:
        Percent: 0 is perfect, and it may exceed 100. 100 minus it are the characters right, in percent.

    Raises:
        ValueError: no sentence, numbers of sentences that differ, or references without any character.
        TypeError: something else than a list of strings.

    Example:
        >>> cer(["hallo"], ["hello"])
        20.0
    """
    hypotheses, references = _checks.lines(hypotheses, references)
    counts = list(map(character_errors, hypotheses, references))
    characters = sum(characters for _, characters in counts)
    if not characters:
        raise ValueError("references must hold at least one character, but hold none.")
    return 100 * sum(errors for errors, _ in counts) / characters


def word_errors(hypothesis: str, reference: str, normalise: Normalisation = "none") -> tuple[int, int]:
    """Count the errors of one line, and the words of its reference."""
    import jiwer

    if normalise not in NORMALISATIONS:
        raise ValueError(f"normalise must be one of {', '.join(NORMALISATIONS)}, but is {normalise!r}.")
    options = {} if normalise == "none" else _slrtp2025()
    return _counted(jiwer.process_words([_spaced(reference)], [_spaced(hypothesis)], **options))


def character_errors(hypothesis: str, reference: str) -> tuple[int, int]:
    """Count the errors of one line, and the characters of its reference."""
    import jiwer

    return _counted(jiwer.process_characters([_spaced(reference)], [_spaced(hypothesis)]))


def _spaced(text: str) -> str:
    """Put a space in the place of any white space, of which jiwer knows the space alone: BLEU and ROUGE know all."""
    return " ".join(text.split())


def _counted(alignment: Any) -> tuple[int, int]:
    wrong = alignment.substitutions + alignment.deletions
    return wrong + alignment.insertions, wrong + alignment.hits


@cache
def _slrtp2025() -> dict[str, Any]:
    import jiwer

    steps: Any = jiwer.Compose(
        [
            jiwer.ExpandCommonEnglishContractions(),
            jiwer.ToLowerCase(),
            jiwer.RemoveMultipleSpaces(),
            jiwer.Strip(),
            jiwer.RemovePunctuation(),  # type: ignore[no-untyped-call]
            jiwer.ReduceToListOfListOfWords(),
        ]
    )
    return {"reference_transform": steps, "hypothesis_transform": steps}
