"""How much of a text a tokenizer knows: what it does not is lost to the model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from signdiff_slp.shown import cut
from signdiff_slp.tags import split_tag

if TYPE_CHECKING:
    from fairseq2.data.tokenizers import Tokenizer

MAX_NAMED: Final = 10
"""How many unknown words a message names."""


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Tokens of texts, without those that begin, end, divide or tag them.

    Attributes:
        num_tokens: how many there are.
        num_unknown: how many of them stand for something that has no token.
        unknown_words: the words that these are in, each once.
        lost: positions of the texts that hold unknown tokens only.
    """

    num_tokens: int
    num_unknown: int
    unknown_words: tuple[str, ...]
    lost: tuple[int, ...]

    def __str__(self) -> str:
        share = f"{self.num_unknown} of {self.num_tokens} tokens"
        if not self.num_unknown:
            return share
        more = len(self.unknown_words) - MAX_NAMED
        named = ", ".join(map(cut, self.unknown_words[:MAX_NAMED])) + (f" and {more} more" if more > 0 else "")
        return f"{share} ({self.num_unknown / self.num_tokens:.1%}): {named}"


def cover(tokenizer: Tokenizer, texts: Iterable[str]) -> Coverage:
    """Count what a tokenizer does not know.

    Args:
        tokenizer: any; of those of this package, spaces and tags are not counted.
        texts: the texts.

    Example:
        >>> from signdiff_slp.tokenizers import WordTokenizer
        >>> print(cover(WordTokenizer(["hello", "world"]), ["hello there", "Hello"]))
        2 of 3 tokens (66.7%): there, Hello
    """
    encode = tokenizer.create_raw_encoder()
    unknown = tokenizer.vocab_info.unk_idx
    blank: frozenset[int] = getattr(tokenizer, "blank_indices", frozenset())

    def count(text: str) -> tuple[int, int]:
        tokens = [token for token in encode(text).tolist() if token not in blank]
        return len(tokens), tokens.count(unknown)

    num_tokens = num_unknown = 0
    words: dict[str, None] = {}
    lost = []
    for position, text in enumerate(texts):
        here, strange = count(text)
        num_tokens, num_unknown = num_tokens + here, num_unknown + strange
        if strange:
            words |= dict.fromkeys(word for word in split_tag(text)[1].split() if count(word)[1])
            lost += [position] * (strange == here)
    return Coverage(num_tokens=num_tokens, num_unknown=num_unknown, unknown_words=tuple(words), lost=tuple(lost))
