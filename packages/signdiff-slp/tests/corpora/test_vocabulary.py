import json

import pytest
import sentencepiece

from signdiff_slp.corpora.vocabulary import build_vocabulary
from signdiff_slp.tokenizers import CharacterTokenizerConfig, SentencePieceTokenizerConfig, WordTokenizerConfig
from signdiff_slp.tokenizers.character import load_character_tokenizer
from signdiff_slp.tokenizers.sentencepiece import load_sentencepiece_tokenizer
from signdiff_slp.tokenizers.word import load_word_tokenizer


def _write(folder, texts, split="train"):
    rows = [f"clip-{number}\t{3 * number}\t3\t{text}\n" for number, text in enumerate(texts)]
    (folder / f"{split}.tsv").write_text("".join(rows), encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "corpus").mkdir()
    _write(tmp_path / "corpus", ["never trained with"], "dev")
    return _write(tmp_path / "corpus", ["Wind und Regen", "Regen und Schnee", "regen"])


def test_words_come_by_frequency_then_alphabet(folder, tmp_path):
    assert build_vocabulary(folder, tmp_path / "v.json", "word") == 9
    assert json.loads((tmp_path / "v.json").read_text()) == {"words": ["Regen", "und", "Schnee", "Wind", "regen"]}


def test_a_plain_file_names_the_special_tokens_first(folder, tmp_path):
    build_vocabulary(folder, tmp_path / "v.txt", "gloss", lowercase=True)
    words = ["<unk>", "<pad>", "<s>", "</s>", "regen", "und", "schnee", "wind"]
    assert (tmp_path / "v.txt").read_text().splitlines() == words
    tokenizer = load_word_tokenizer(tmp_path / "v.txt", WordTokenizerConfig(lowercase=True))
    assert tokenizer.create_encoder()("Wind und Hagel").tolist() == [7, 5, 0, 3]


def test_size_and_count_leave_out_the_rare(folder, tmp_path):
    assert build_vocabulary(folder, tmp_path / "v.json", "word", size=7) == 7
    assert json.loads((tmp_path / "v.json").read_text()) == {"words": ["Regen", "und", "Schnee"]}
    assert build_vocabulary(folder, tmp_path / "v.json", "word", min_count=2) == 6
    assert json.loads((tmp_path / "v.json").read_text()) == {"words": ["Regen", "und"]}


def test_characters_encode_every_text_of_the_corpus(folder, tmp_path):
    number = build_vocabulary(folder, tmp_path / "v.json", "character")
    tokenizer = load_character_tokenizer(tmp_path / "v.json", CharacterTokenizerConfig())
    assert set(tokenizer.characters) == set("wind und regen schnee")
    assert tokenizer.vocab_info.size == number
    assert tokenizer.characters[0] == "e"  # eight of them, and seven n


def test_tags_become_tokens(tmp_path):
    _write(tmp_path, ["<gsg> ab", "<ase> ba", "<gsg> b"])
    assert build_vocabulary(tmp_path, tmp_path / "v.json", "character", size=7) == 7
    content = {"characters": ["b"], "tags": ["<ase>", "<gsg>"], "alphabets": ["<ase> b", "<gsg> b"]}
    assert json.loads((tmp_path / "v.json").read_text()) == content
    assert load_character_tokenizer(tmp_path / "v.json", CharacterTokenizerConfig()).alphabets == {
        "<ase>": "b",
        "<gsg>": "b",
    }
    with pytest.raises(ValueError, match="size must be above 6, the special tokens and tags, but is 6"):
        build_vocabulary(tmp_path, tmp_path / "v.json", "character", size=6)


def test_a_model_of_pieces_is_what_the_tokenizer_asks_for(folder, tmp_path):
    assert build_vocabulary(folder, tmp_path / "v.model", "sentencepiece", size=19) == 19
    processor = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "v.model"))
    assert [processor.id_to_piece(token) for token in range(4)] == ["<pad>", "<unk>", "<s>", "</s>"]
    tokenizer = load_sentencepiece_tokenizer(tmp_path / "v.model", SentencePieceTokenizerConfig())
    assert tokenizer.vocab_info.size == 19
    tokens = tokenizer.create_encoder()("Regen und Wind")
    assert tokenizer.create_decoder()(tokens) == "Regen und Wind"
    first = (tmp_path / "v.model").read_bytes()
    build_vocabulary(folder, tmp_path / "v.model", "sentencepiece", size=19)
    assert (tmp_path / "v.model").read_bytes() == first


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 4}, "size must be above 4"),
        ({"min_count": 0}, "min_count must be at least 1"),
        ({"kind": "sentencepiece", "min_count": 2}, "min_count must be 1 for SentencePiece"),
        ({"kind": "sentencepiece", "size": 5000}, "size must be at most 19, "),
    ],
)
def test_options_that_do_not_fit(folder, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        build_vocabulary(folder, tmp_path / "v.model", **({"kind": "word"} | options))
    assert not (tmp_path / "v.model").exists()


def test_a_corpus_that_is_wrong(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"corpus must hold test\.tsv"):
        build_vocabulary(folder, tmp_path / "v.json", "word", split="test")
    (folder / "train.tsv").write_text("a\t0\t3\n")
    with pytest.raises(ValueError, match=r"train\.tsv:1 must have 4 columns, but has 3"):
        build_vocabulary(folder, tmp_path / "v.json", "word")
    (folder / "train.tsv").write_text("")
    with pytest.raises(ValueError, match="must hold at least one text, but is empty"):
        build_vocabulary(folder, tmp_path / "v.json", "word")


@pytest.mark.parametrize(("size", "message"), [(6, "size must be at least "), (900, "size must be at most ")])
def test_what_sentencepiece_asks_for_is_said_in_words_of_this_command(folder, tmp_path, size, message):
    with pytest.raises(ValueError, match=message) as failure:
        build_vocabulary(folder, tmp_path / "v.model", "sentencepiece", size=size)
    assert "--" not in str(failure.value)  # it names an option of its own, which is none here
    # And what it says is right.
    right = int(str(failure.value).removeprefix(message).partition(",")[0])
    assert build_vocabulary(folder, tmp_path / "v.model", "sentencepiece", size=right) == right


def test_pieces_in_lower_case_carry_the_setting(folder, tmp_path):
    build_vocabulary(folder, tmp_path / "v.model", "sentencepiece", size=17, lowercase=True)
    tokenizer = load_sentencepiece_tokenizer(tmp_path / "v.model", SentencePieceTokenizerConfig())
    encode = tokenizer.create_encoder()
    assert encode("REGEN und Schnee").tolist() == encode("regen und schnee").tolist()
    assert tokenizer.vocab_info.unk_idx not in encode("REGEN")


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path):
    _write(tmp_path, ["Wind", "Regen"])
    table = (tmp_path / "train.tsv").read_bytes()
    (tmp_path / "train.tsv").write_bytes(b"\xef\xbb\xbf" + table)
    assert build_vocabulary(tmp_path, tmp_path / "v.txt", "word") == 6
    (tmp_path / "v.txt").write_bytes(b"\xef\xbb\xbf" + b"Regen\r\nWind\r\n")
    tokenizer = load_word_tokenizer(tmp_path / "v.txt", WordTokenizerConfig(end=False))
    assert tokenizer.create_encoder()("Regen Wind").tolist() == [4, 5]


def test_another_encoding_is_an_error_with_its_line(tmp_path):
    _write(tmp_path, ["Wind", "grün"])
    table = (tmp_path / "train.tsv").read_text(encoding="utf-8")
    (tmp_path / "train.tsv").write_text(table, encoding="latin-1")
    with pytest.raises(ValueError, match=r"train.tsv, line 2: expected text in UTF-8, but byte \d+ is 0xfc"):
        build_vocabulary(tmp_path, tmp_path / "v.txt", "word")
    (tmp_path / "v.txt").write_text("Wind\ngrün\n", encoding="latin-1")
    with pytest.raises(ValueError, match=r"v.txt, line 2: expected text in UTF-8"):
        load_word_tokenizer(tmp_path / "v.txt", WordTokenizerConfig())


@pytest.mark.parametrize("kind", ["word", "gloss", "character"])
def test_a_vocabulary_of_nothing_is_an_error(kind, tmp_path):
    (tmp_path / "train.tsv").write_text("a\t0\t1\tno no\nb\t1\t1\tnn\n")
    most = {"character": "4, .* character, 'n'"}.get(kind, f"2, .* {kind}, 'no'")
    with pytest.raises(ValueError, match=rf"min_count must be at most {most}, but is 5\."):
        build_vocabulary(tmp_path, tmp_path / "words.json", kind, min_count=5)
    assert [path.name for path in tmp_path.iterdir()] == ["train.tsv"]
