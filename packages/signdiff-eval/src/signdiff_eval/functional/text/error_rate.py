"""Word and character error rate."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from signdiff_eval import _checks

if TYPE_CHECKING:
    from collections.abc import Sequence

Normalization = Literal["none", "slrtp2025"]
"""What is done to texts before their words are compared."""

NORMALIZATIONS: Final[tuple[str, ...]] = get_args(Normalization)
"""The same, to iterate over."""


def wer(hypotheses: Sequence[str], references: Sequence[str], *, normalize: Normalization = "none") -> float:
    """Compute the word error rate of a corpus, with jiwer.

    Words that must be replaced, added or taken away, over the words of the references, both summed over the corpus.

    Args:
        hypotheses: N sentences, whose words stand between white space of any kind.
        references: the N sentences that they should be.
        normalize: ``slrtp2025`` compares, as that challenge does, in lower case, without punctuation and with
            English contractions written out.

    Returns:
        Percent: 0 is perfect, and it may exceed 100.

    Raises:
        ValueError: no sentence, numbers of sentences that differ, references without any word, or an unknown
            normalization.
        TypeError: something else than a list of strings.

    Example:
        >>> wer(["the cat sat"], ["the cat sat down"])
        25.0
        >>> wer(["The cat sat."], ["the cat sat"], normalize="slrtp2025")
        0.0
    """
    hypotheses, references = _checks.lines(hypotheses, references)
    counts = [word_errors(*pair, normalize) for pair in zip(hypotheses, references, strict=True)]
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


def word_errors(hypothesis: str, reference: str, normalize: Normalization = "none") -> tuple[int, int]:
    """Count the errors of one line, and the words of its reference."""
    import jiwer

    if normalize not in NORMALIZATIONS:
        raise ValueError(f"normalize must be one of {', '.join(NORMALIZATIONS)}, but is {normalize!r}.")
    options = {} if normalize == "none" else _slrtp2025()
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
