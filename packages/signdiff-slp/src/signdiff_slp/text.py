"""What a fluent ASL speller makes of a text: letters and spaces.

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
from typing import Final

from signdiff_slp.shown import shown

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
_SPOKEN: Final = {"&": "and", "@": "at", "%": "percent", "+": "plus", "=": "equals"}
_APOSTROPHES: Final = frozenset(
    "'`\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}\N{ACUTE ACCENT}"
)
_MAX_NAMED: Final = 10
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
        kinds = list(dict.fromkeys(unknown))
        named = ", ".join(f"{_printable(c)} ({unicodedata.name(c, 'unnamed')})" for c in kinds[:_MAX_NAMED])
        named += f" and {len(kinds) - _MAX_NAMED} more" if len(kinds) > _MAX_NAMED else ""
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
