import io
from itertools import pairwise

import pytest

from signdiff_slp.text import cover, spellable
from signdiff_slp.tokenizers import CharacterTokenizer, SentencePieceTokenizerConfig, WordTokenizer, WordTokenizerConfig
from signdiff_slp.tokenizers.sentencepiece import load_sentencepiece_tokenizer


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


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    """A SentencePiece model of English."""
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the cat sat on a mat and the dog"] * 20),
        model_writer=model,
        vocab_size=18,
        minloglevel=2,
        **{"pad_id": 0, "unk_id": 1, "bos_id": 2, "eos_id": 3},
    )
    path = tmp_path_factory.mktemp("pieces") / "pieces.model"
    path.write_bytes(model.getvalue())
    return load_sentencepiece_tokenizer(path, SentencePieceTokenizerConfig())


def test_words_are_counted_and_named():
    coverage = cover(WordTokenizer(["a", "b"]), ["a x b x", "y", "a"])
    assert (coverage.num_tokens, coverage.num_unknown) == (6, 3)
    assert coverage.unknown_words == ("x", "y")
    assert coverage.lost == (1,)
    assert str(coverage) == "3 of 6 tokens (50.0%): x, y"
    assert cover(WordTokenizer(["a"], WordTokenizerConfig(begin=True)), ["A"]).lost == (0,)
    assert cover(WordTokenizer(["a"], WordTokenizerConfig(lowercase=True)), ["A"]).num_unknown == 0


def test_neither_spaces_nor_tags_make_a_text_known():
    tokenizer = CharacterTokenizer("ab ", tags=["<gsg>"])
    assert cover(tokenizer, ["<gsg> x y"]).lost == (0,)
    assert cover(tokenizer, ["<gsg> a xb"]).unknown_words == ("xb",)
    assert cover(tokenizer, ["<gsg> a xb"]).num_tokens == 3


def test_many_unknown_words_are_not_all_named():
    assert str(cover(WordTokenizer(["a"]), ["a " + " ".join(f"w{n}" for n in range(12))])).endswith("w9 and 2 more")


def test_a_script_that_sentencepiece_has_not_seen(pieces):
    assert cover(pieces, ["the cat"]).num_unknown == 0
    coverage = cover(pieces, ["你好", "the 你好 cat"])
    assert coverage.lost == (0,)  # the mark of a word alone says nothing
    assert coverage.unknown_words == ("你好",)
    assert coverage.num_unknown == 2


def test_words_have_their_tokens(pieces):
    assert WordTokenizer(["a"]).word_spans("a x") == [("a", 0, 1), ("x", 1, 2)]
    assert WordTokenizer(["a"], WordTokenizerConfig(begin=True)).word_spans("a x") == [("a", 1, 2), ("x", 2, 3)]
    tokenizer = CharacterTokenizer("ab ", tags=["<gsg>"])
    assert tokenizer.word_spans("ab a") == [("ab", 1, 3), ("a", 4, 5)]
    assert tokenizer.word_spans("<gsg> ab a") == [("ab", 2, 4), ("a", 5, 6)]
    spans = pieces.word_spans("the 你好 cat")
    assert [word for word, _, _ in spans] == ["the", "你好", "cat"]
    # Between the token that begins and the one that ends, without gaps.
    assert spans[0][1] == 1
    assert all(before[2] == after[1] for before, after in pairwise(spans))
    assert spans[-1][2] == len(pieces.create_encoder()("the 你好 cat")) - 1
