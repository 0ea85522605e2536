import json
from collections import Counter

import pytest
from fairseq2.data.tokenizers import VocabularyInfo

from signdiff_slp.tokenizers import GlossTokenizerConfig, WordTokenizer, WordTokenizerConfig
from signdiff_slp.tokenizers.word import (
    get_gloss_tokenizer_hub,
    get_word_tokenizer_hub,
    load_word_tokenizer,
    read_words,
)


def test_special_tokens_come_first_whether_named_or_not():
    named = WordTokenizer(["<unk>", "<pad>", "<s>", "</s>", "regen", "wind"])
    assert named.vocab_info == VocabularyInfo(6, unk_idx=0, bos_idx=2, eos_idx=3, pad_idx=1)
    assert named.words == WordTokenizer(["regen", "wind"]).words == ("regen", "wind")
    assert WordTokenizer(["wind", "</s>"]).create_raw_encoder()("wind").tolist() == [4]


def test_the_end_follows_and_no_begin_precedes_as_published():
    encoder = WordTokenizer(["regen", "wind"]).create_encoder()
    assert encoder("wind  sturm\tregen ").tolist() == [5, 0, 4, 3]
    assert encoder.prefix_indices is None
    assert encoder.suffix_indices.tolist() == [3]
    assert encoder("").tolist() == [3]


def test_begin_and_end_are_options():
    both = WordTokenizer(["wind"], WordTokenizerConfig(begin=True)).create_encoder()
    assert both.encode_as_tokens("wind sturm") == ["<s>", "wind", "<unk>", "</s>"]
    neither = WordTokenizer(["wind"], WordTokenizerConfig(end=False)).create_encoder()
    assert neither("wind").tolist() == [4]


def test_case_counts_unless_told_otherwise():
    assert WordTokenizer(["WIND"]).create_raw_encoder()("WIND wind").tolist() == [4, 0]
    lower = WordTokenizer(["wind"], GlossTokenizerConfig(lowercase=True))
    assert lower.create_raw_encoder()("WIND Wind").tolist() == [4, 4]


def test_decoding_gives_the_words_back():
    tokenizer = WordTokenizer(["regen", "und", "wind"])
    tokens = tokenizer.create_encoder()("regen und wind")
    assert tokenizer.create_decoder()(tokens) == "regen und wind </s>"
    assert tokenizer.create_decoder(skip_special_tokens=True)(tokens) == "regen und wind"


def test_a_plain_file_keeps_its_order(tmp_path):
    path = tmp_path / "src_vocab.txt"
    path.write_bytes("<unk>\r\n<pad>\r\n<s>\r\n</s>\r\nWIND\r\ntrüb\r\nWIND\r\nnach".encode())
    assert read_words(path) == ["<unk>", "<pad>", "<s>", "</s>", "WIND", "trüb", "nach"]
    tokenizer = load_word_tokenizer(path, WordTokenizerConfig())
    assert tokenizer.create_raw_encoder()("nach trüb WIND").tolist() == [6, 5, 4]


def test_a_json_file_gives_its_content_back(tmp_path):
    path = tmp_path / "words.json"
    path.write_text(json.dumps(WordTokenizer(["<pad>", "b", "a"]).content))
    assert load_word_tokenizer(path, WordTokenizerConfig()).words == ("b", "a")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b"[", "must be JSON"),
        ("a.json", b'{"words": [1]}', "list of strings under 'words'"),
        ("a.json", b'{"words": ["a", "a"]}', "once each"),
        ("a.json", b"\xff", "must be JSON"),
        ("a.txt", b"\xff\n", "expected text in UTF-8"),
    ],
)
def test_a_file_that_is_wrong(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load_word_tokenizer(tmp_path / name, WordTokenizerConfig())


def test_a_large_file_is_refused_unread(tmp_path):
    with (tmp_path / "a.txt").open("wb") as file:
        file.truncate((1 << 26) + 1)
    with pytest.raises(ValueError, match="must be at most 67108864 bytes"):
        read_words(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("hub", "config"), [(get_word_tokenizer_hub, WordTokenizerConfig), (get_gloss_tokenizer_hub, GlossTokenizerConfig)]
)
def test_fairseq2_knows_the_families(tmp_path, hub, config):
    path = tmp_path / "src_vocab.txt"
    path.write_text("a\nb\n")
    tokenizer = hub().load_custom_tokenizer(path, config(begin=True))
    assert tokenizer.create_encoder()("b").tolist() == [2, 5, 3]


@pytest.mark.realdata
def test_published_vocabularies_keep_every_index(realdata):
    files = [realdata / "phoenix14t-skels" / "src_vocab.txt", *sorted((realdata / "texts").glob("src_vocab_*.txt"))]
    for path in files:
        lines = path.read_text(encoding="utf-8").splitlines()
        tokenizer = load_word_tokenizer(path, WordTokenizerConfig(end=False))
        assert tokenizer.vocab_info == VocabularyInfo(len(lines), unk_idx=0, bos_idx=2, eos_idx=3, pad_idx=1)
        assert tokenizer.create_encoder()(" ".join(lines[4:])).tolist() == list(range(4, len(lines)))


@pytest.mark.realdata
def test_published_glosses_of_phoenix_are_known(realdata):
    folder = realdata / "phoenix14t-skels"
    tokenizer = load_word_tokenizer(folder / "src_vocab.txt", GlossTokenizerConfig())
    counts = Counter((folder / "train.gloss").read_text().split())
    assert {word for word in counts if word not in tokenizer.words} == set()
