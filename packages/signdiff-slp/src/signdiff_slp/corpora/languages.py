"""The manual alphabets of `spoken-to-signed`, and which of them a corpus can be made of.

An alphabet is left out where its clips cannot make honest spelling: the body that spells here (`body`) has one hand,
and its words come from lists of frequent words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_TWO_HANDS: Final = "two hands spell it, and the body here spells with one"


@dataclass(frozen=True, kw_only=True)
class SignedLanguage:
    """One signed language.

    Attributes:
        code: ISO 639-3.
        name: in English.
        spoken: the spoken language that its alphabet writes, ISO 639-1.
        left_handed: whether the signer of the clips spells with the left hand; the clips are mirrored.
        reason: why there is no corpus of it; empty if there is.
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
    SignedLanguage(code="ase", name="American Sign Language", spoken="en"),
    SignedLanguage(code="asq", name="Austrian Sign Language", spoken="de"),
    SignedLanguage(code="bzs", name="Brazilian Sign Language", spoken="pt"),
    SignedLanguage(code="cse", name="Czech Sign Language", spoken="cs", reason=_TWO_HANDS),
    SignedLanguage(code="csq", name="Croatian Sign Language", spoken="hr", reason=_TWO_HANDS),
    SignedLanguage(
        code="eso",
        name="Estonian Sign Language",
        spoken="et",
        reason="there is no list of frequent Estonian words here",
    ),
    SignedLanguage(
        code="fsl", name="French Sign Language", spoken="fr", reason="its clips are those of American Sign Language"
    ),
    SignedLanguage(code="gsg", name="German Sign Language", spoken="de"),
    SignedLanguage(
        code="gss", name="Greek Sign Language", spoken="el", reason="most of its clips are cut to 6 to 10 frames"
    ),
    SignedLanguage(code="ise", name="Italian Sign Language", spoken="it", left_handed=True),
    SignedLanguage(
        code="jos",
        name="Jordanian Sign Language",
        spoken="ar",
        reason="it has no sign for ة, which one in five frequent words needs",
    ),
    SignedLanguage(
        code="lls",
        name="Lithuanian Sign Language",
        spoken="lt",
        reason="the movements that tell č, ė, ę, į, š, ū and ų apart, 6% of letters, were not found",
    ),
    SignedLanguage(code="mfs", name="Mexican Sign Language", spoken="es"),
    SignedLanguage(code="psr", name="Portuguese Sign Language", spoken="pt"),
    SignedLanguage(code="sgg", name="Swiss-German Sign Language", spoken="de"),
    SignedLanguage(code="ssp", name="Spanish Sign Language", spoken="es"),
    SignedLanguage(code="svk", name="Slovakian Sign Language", spoken="sk"),
    SignedLanguage(code="swl", name="Swedish Sign Language", spoken="sv"),
    SignedLanguage(code="tsm", name="Turkish Sign Language", spoken="tr", reason=_TWO_HANDS),
    SignedLanguage(code="ukl", name="Ukrainian Sign Language", spoken="uk"),
)


def find_language(code: str) -> SignedLanguage:
    """Find a language by its code.

    Raises:
        ValueError: `spoken-to-signed` has no alphabet of it.
    """
    for language in LANGUAGES:
        if language.code == code:
            return language
    raise ValueError(f"signed language must be one of {', '.join(each.code for each in LANGUAGES)}, but is {code!r}.")


def choose_languages(codes: Sequence[str]) -> list[SignedLanguage]:
    """Find the languages of a corpus.

    Args:
        codes: of each, once; ``["all"]`` for all that can be spelled.

    Raises:
        ValueError: a language is unknown, repeated, or cannot be spelled here; the message says why.
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
