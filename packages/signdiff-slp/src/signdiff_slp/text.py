"""What a text is to a model: letters that are spelled, a tag, pieces of some length, and what of it is known.

`spellable` makes of a text what a fluent ASL speller makes of it, letters and spaces:

- Case does not matter, accents are left out (é is e), ligatures are spelled (ß is ss, æ is ae).
- Digits have signs of their own, which are no part of the alphabet; numbers are spelled as words. Up to 99 they are
  read as one number (42 is "forty two"), longer ones and those with a leading zero digit by digit.
- An apostrophe vanishes (don't is dont). Any other punctuation is a short pause, as between words.
- ``& @ % + =`` are spelled as the words that they stand for.
- Anything else, above all other scripts and emoji, is an error that names the characters.

Other alphabets keep the letters that they have (ä in German Sign Language). Numbers and symbols are words of a spoken
language: only English ones are known here, so that elsewhere they are errors.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fairseq2.data.tokenizers import Tokenizer

MAX_NAMED: Final = 10
"""How many names a message lists."""

MAX_SHOWN: Final = 60
"""Characters of a text that a message shows."""

_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz")
_FOLDED: Final = {
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "\N{LATIN SMALL LETTER DOTLESS I}": "i",
    "ħ": "h",
}
_TAG: Final = re.compile(r"<[a-z]{2,8}>")
_SPOKEN: Final = {"&": "and", "@": "at", "%": "percent", "+": "plus", "=": "equals"}
_APOSTROPHES: Final = frozenset(
    "'`\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}\N{ACUTE ACCENT}"
)
_ONES: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS: Final = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def spellable(text: str, letters: str = "", *, english: bool = True) -> str:
    """Reduce a text to what is spelled.

    Args:
        text: anything in the alphabet's script.
        letters: those of the alphabet, small; a to z by default.
        english: spell numbers and symbols as English words; else they are errors.

    Returns:
        Letters in words, single spaces between them; at least one letter.

    Raises:
        ValueError: ``text`` holds characters that cannot be spelled, or nothing to spell.

    Example:
        >>> spellable("Don't panic: café, 42!")
        'dont panic cafe forty two'
        >>> spellable("Größe", "abcdefghijklmnopqrstuvwxyzäöüß", english=False)
        'größe'
    """
    known = frozenset(letters) or _LETTERS
    unknown: list[str] = []
    pieces: list[str] = []
    for character in unicodedata.normalize("NFC", text).lower():
        piece = _spell_character(character, known, english=english)
        if piece is None:
            unknown.append(character)
        else:
            pieces.append(piece)
    if unknown:
        named = listed([f"{_printable(c)} ({unicodedata.name(c, 'unnamed')})" for c in dict.fromkeys(unknown)])
        what = "Latin letters, digits" if known == _LETTERS and english else f"the letters {''.join(sorted(known))}"
        raise ValueError(f"text must be in {what} and punctuation, but contains {named}.")
    words = re.sub(r"[0-9]+", lambda run: f" {_number(run.group())} ", "".join(pieces)).split()
    if not words:
        raise ValueError(f"text must contain at least one letter or digit, but is {shown(text)}.")
    return " ".join(words)


def _spell_character(character: str, letters: frozenset[str], *, english: bool) -> str | None:
    if character in letters:
        return character
    if character in _APOSTROPHES:
        return ""
    if character in _SPOKEN:
        return f" {_SPOKEN[character]} " if english else None
    folded = _FOLDED.get(character) or "".join(
        c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c)
    )
    if all(c in letters or (english and c in "0123456789") for c in folded):
        return folded
    if character.isspace() or unicodedata.category(character).startswith(("P", "Z")):
        return " "
    return None


def _number(digits: str) -> str:
    if len(digits) > 2 or (len(digits) == 2 and digits[0] == "0"):
        return " ".join(_ONES[int(digit)] for digit in digits)
    number = int(digits)
    if number < len(_ONES):
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens]} {_ONES[ones]}" if ones else _TENS[tens]


def _printable(character: str) -> str:
    return character if character.isprintable() else f"U+{ord(character):04X}"


def is_tag(text: str) -> bool:
    """Tell whether a text is a tag: 2 to 8 small letters in angle brackets."""
    return _TAG.fullmatch(text) is not None


def split_tag(text: str) -> tuple[str, str]:
    """Divide a text into its tag, empty if there is none, and the rest.

    >>> split_tag("<gsg> wort"), split_tag("wort")
    (('<gsg>', 'wort'), ('', 'wort'))
    """
    tag, space, rest = text.partition(" ")
    return (tag, rest) if space and is_tag(tag) else ("", text)


def into_pieces(text: str, limit: int) -> list[str]:
    """Divide a text between words into pieces of at most ``limit`` characters; a longer word is a piece of its own.

    >>> into_pieces("the quick brown fox", 10)
    ['the quick', 'brown fox']
    """
    pieces: list[str] = []
    for word in text.split(" "):
        if pieces and len(pieces[-1]) + 1 + len(word) <= limit:
            pieces[-1] += f" {word}"
        else:
            pieces.append(word)
    return pieces


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Tokens of texts, without those that begin, end, divide or tag them.

    ``num_unknown`` of them stand for something that has no token, and ``unknown_words`` has the words that these are
    in, each once. ``lost`` has the positions of the texts that hold unknown tokens only.
    """

    num_tokens: int
    num_unknown: int
    unknown_words: tuple[str, ...]
    lost: tuple[int, ...]

    def __str__(self) -> str:
        share = f"{self.num_unknown} of {self.num_tokens} tokens"
        if not self.num_unknown:
            return share
        words = [cut(word) for word in self.unknown_words]
        return f"{share} ({self.num_unknown / self.num_tokens:.1%}): {listed(words)}"


def cover(tokenizer: Tokenizer, texts: Iterable[str]) -> Coverage:
    """Count what a tokenizer does not know; of those of this package, spaces and tags are not counted.

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


def cut(text: str) -> str:
    """Shorten a long text for a message.

    >>> cut("hello"), len(cut(500 * "a"))
    ('hello', 60)
    """
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."


def shown(text: str) -> str:
    """Quote a text as Python does, and no more of it than its start.

    >>> shown("hello")
    "'hello'"
    """
    return repr(cut(text))


def listed(names: Sequence[str]) -> str:
    """Write names for a message, and of many only the first.

    >>> listed(["a", "b"]), listed(12 * ["a"])[-12:]
    ('a, b', 'a and 2 more')
    """
    more = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
