import pytest

from signdiff_slp.text import spellable


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("hello", "hello"),
        ("Hello,  World!", "hello world"),
        ("don't", "dont"),
        ("don\N{RIGHT SINGLE QUOTATION MARK}t", "dont"),
        ("well-known", "well known"),
        ("café Señor Ångström", "cafe senor angstrom"),
        ("cafe\N{COMBINING ACUTE ACCENT}", "cafe"),
        ("Straße", "strasse"),
        ("Æsop, Łódź", "aesop lodz"),
        ("7", "seven"),
        ("42 apples", "forty two apples"),
        ("30", "thirty"),
        ("19", "nineteen"),
        ("07", "zero seven"),
        ("2024", "two zero two four"),
        ("B2B", "b two b"),
        ("R&D", "r and d"),
        ("50%", "fifty percent"),
        ("line\none\ttwo", "line one two"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER A}\N{FULLWIDTH DIGIT FIVE}", "a five"),
        ("\N{LATIN SMALL LIGATURE FI}sh", "fish"),
        ("İstanbul", "istanbul"),
    ],
)
def test_text_becomes_letters_and_single_spaces(text: str, spelled: str):
    assert spellable(text) == spelled


def test_is_idempotent():
    once = spellable("It's 5 o'clock, Zoë!")
    assert spellable(once) == once


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("привет", "CYRILLIC SMALL LETTER PE"),
        ("hello 世界", "世"),
        ("שלום", "HEBREW LETTER SHIN"),
        ("hi 👋", "WAVING HAND SIGN"),
        ("한국", "HANGUL SYLLABLE HAN"),
        ("٣", "ARABIC-INDIC DIGIT THREE"),
        ("a\x00b", "U\\+0000"),
    ],
)
def test_other_characters_are_named(text: str, named: str):
    with pytest.raises(ValueError, match=named):
        spellable(text)


def test_a_character_is_named_once():
    with pytest.raises(ValueError, match="contains ж") as error:
        spellable("жжж")
    assert str(error.value).count("ж") == 1


@pytest.mark.parametrize("text", ["", "   ", "?!", "'"])
def test_nothing_to_spell(text: str):
    with pytest.raises(ValueError, match="at least one letter or digit"):
        spellable(text)
