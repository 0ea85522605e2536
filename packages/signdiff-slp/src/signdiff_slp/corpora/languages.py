"""The manual alphabets of `spoken-to-signed`, and which of them a corpus can be made of.

An alphabet is left out where its clips cannot make honest spelling: the body that spells here (`body`) has one hand,
and its words come from lists of frequent words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_TWO_HANDS: Final = "two hands spell it, and the body here spells with one"


@dataclass(frozen=True)
class SignedLanguage:
    """One signed language, by its code in ISO 639-3, and ``spoken``, what its alphabet writes, in ISO 639-1.

    The clips of a left-handed signer are mirrored. ``reason`` says why there is no corpus of it; empty if there is.
    """

    code: str
    name: str
    spoken: str
    left_handed: bool = False
    reason: str = ""

    @property
    def tag(self) -> str:
        """What texts of a corpus of several languages start with."""
        return f"<{self.code}>"


LANGUAGES: Final = (
    SignedLanguage("ase", "American Sign Language", "en"),
    SignedLanguage("asq", "Austrian Sign Language", "de"),
    SignedLanguage("bzs", "Brazilian Sign Language", "pt"),
    SignedLanguage("cse", "Czech Sign Language", "cs", reason=_TWO_HANDS),
    SignedLanguage("csq", "Croatian Sign Language", "hr", reason=_TWO_HANDS),
    SignedLanguage("eso", "Estonian Sign Language", "et", reason="there is no list of frequent Estonian words here"),
    SignedLanguage("fsl", "French Sign Language", "fr", reason="its clips are those of American Sign Language"),
    SignedLanguage("gsg", "German Sign Language", "de"),
    SignedLanguage("gss", "Greek Sign Language", "el", reason="most of its clips are cut to 6 to 10 frames"),
    SignedLanguage("ise", "Italian Sign Language", "it", left_handed=True),
    SignedLanguage(
        "jos", "Jordanian Sign Language", "ar", reason="it has no sign for ة, which one in five frequent words needs"
    ),
    SignedLanguage(
        "lls",
        "Lithuanian Sign Language",
        "lt",
        reason="the movements that tell č, ė, ę, į, š, ū and ų apart, 6% of letters, were not found",
    ),
    SignedLanguage("mfs", "Mexican Sign Language", "es"),
    SignedLanguage("psr", "Portuguese Sign Language", "pt"),
    SignedLanguage("sgg", "Swiss-German Sign Language", "de"),
    SignedLanguage("ssp", "Spanish Sign Language", "es"),
    SignedLanguage("svk", "Slovakian Sign Language", "sk"),
    SignedLanguage("swl", "Swedish Sign Language", "sv"),
    SignedLanguage("tsm", "Turkish Sign Language", "tr", reason=_TWO_HANDS),
    SignedLanguage("ukl", "Ukrainian Sign Language", "uk"),
)


def find_language(code: str) -> SignedLanguage:
    """Find a language by its code; a ``ValueError`` says if `spoken-to-signed` has no alphabet of it."""
    for language in LANGUAGES:
        if language.code == code:
            return language
    raise ValueError(f"signed language must be one of {', '.join(each.code for each in LANGUAGES)}, but is {code!r}.")


def choose_languages(codes: Sequence[str]) -> list[SignedLanguage]:
    """Find the languages of a corpus by their codes, each once; ``["all"]`` for all that can be spelled.

    A ``ValueError`` says which one is unknown, repeated, or cannot be spelled here, and why.
    """
    if list(codes) == ["all"]:
        return [language for language in LANGUAGES if not language.reason]
    if not codes or len(set(codes)) != len(codes):
        raise ValueError(f"signed languages must be given once each, but are {', '.join(codes) or 'none'}.")
    chosen = [find_language(code) for code in codes]
    for language in chosen:
        if language.reason:
            raise ValueError(f"signed language {language.code} must be one that can be spelled, but {language.reason}.")
    return chosen
