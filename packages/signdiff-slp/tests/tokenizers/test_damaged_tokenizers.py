"""Files of tokenizers that are damaged or forged: one error that names the file, and no process that ends."""

import io
import json
import subprocess
import sys

import pytest
import sentencepiece

from signdiff_slp.tokenizers import CharacterTokenizer, SentencePieceTokenizerConfig, WordTokenizer
from signdiff_slp.tokenizers.base import MAX_JSON
from signdiff_slp.tokenizers.saved import load_tokenizer, open_tokenizer, save_tokenizer
from signdiff_slp.tokenizers.sentencepiece import check_piece_model, load_sentencepiece_tokenizer

TEXTS = ["der wind weht", "am tag regnet es", "der regen zieht ab", "morgen weht am tag ein schwacher wind"]
MADE = {
    "vocab_size": 40,
    "hard_vocab_limit": False,
    "minloglevel": 2,
    "pad_id": 0,
    "unk_id": 1,
    "bos_id": 2,
    "eos_id": 3,
}


def train(rule="nmt_nfkc"):
    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS), model_writer=buffer, normalization_rule_name=rule, **MADE
    )
    return buffer.getvalue()


@pytest.fixture(scope="module")
def pieces():
    return train()


@pytest.mark.parametrize("rule", ["nmt_nfkc", "nfkc", "nmt_nfkc_cf", "nfkc_cf", "identity"])
def test_the_maps_that_sentencepiece_brings_pass(tmp_path, rule):
    (tmp_path / "a.model").write_bytes(train(rule))
    tokenizer = load_sentencepiece_tokenizer(tmp_path / "a.model", SentencePieceTokenizerConfig())
    reference = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "a.model"))
    text = "DER W\uff29ND \ufb01 \u00bd"
    assert tokenizer.create_raw_encoder()(text).tolist() == reference.encode(text)


CHILD = """
import pathlib, random, sys
from signdiff_slp.tokenizers.sentencepiece import SentencePieceTokenizerConfig, load_sentencepiece_tokenizer

path, content, ran, refused = pathlib.Path(sys.argv[1]), sys.stdin.buffer.read(), 0, 0
start = content.index(b"nmt_nfkc") + 20
for seed in range(300):
    chance, damaged = random.Random(seed), bytearray(content)
    for _ in range(chance.choice((1, 30, 300))):
        damaged[chance.randrange(start, start + 200_000)] = chance.randrange(256)
    path.write_bytes(damaged)
    try:
        encode = load_sentencepiece_tokenizer(path, SentencePieceTokenizerConfig()).create_encoder()
        encode("der wind \\uff21\\uff22 \\ufb01 \\u00bd \\ud55c\\uae00 e\\u0301 z\\u00fcrich \\u6771\\u4eac")
        ran += 1
    except ValueError as error:
        assert str(path) in str(error)
        refused += 1
print(ran, refused)
"""


def test_a_damaged_map_never_ends_the_interpreter(tmp_path, pieces):
    """The library follows its pointers without a look at its end: some of these end it by a signal."""
    command = [sys.executable, "-c", CHILD, str(tmp_path / "a.model")]
    child = subprocess.run(command, input=pieces, capture_output=True, timeout=300)
    assert child.returncode == 0, child.stderr.decode()[-500:]
    ran, refused = map(int, child.stdout.split())
    assert ran + refused == 300
    assert min(ran, refused) > 10


def with_map(units, texts=b"\0"):
    """Write a model that holds no more than a map for normalising, as protocol buffers have it."""
    trie = b"".join(unit.to_bytes(4, "little") for unit in units)
    charsmap = len(trie).to_bytes(4, "little") + trie + texts
    spec = b"\x12" + varint(len(charsmap)) + charsmap
    return b"\x1a" + varint(len(spec)) + spec


def varint(number):
    return bytes([number & 127 | 128, *varint(number >> 7)]) if number > 127 else bytes([number])


def unit(offset, label=0, *, leaf=False):
    """A node whose children begin at an offset from it; ``leaf``: the first of them is a value."""
    return offset << 10 | leaf << 8 | label


def trie(*, first=1, child=None, value=0):
    """256 nodes: the root, and one child that is reached with "a"."""
    nodes = [0x80000000 | value] * 256
    nodes[0] = unit(first)
    nodes[1 ^ ord("a")] = child if child is not None else unit(2, ord("a"))
    return nodes


FORGED = [
    (trie(first=256), "points outside itself"),
    (trie(child=unit(1 << 20, ord("a"))), "points outside itself"),
    (trie(child=unit(256, ord("a"), leaf=True)), "points outside itself"),
    (trie(child=unit(101, ord("a"), leaf=True), value=9), "points outside its texts"),
    (trie()[:100], "400 of them a trie"),
]


@pytest.mark.parametrize(("nodes", "told"), FORGED)
def test_pointers_out_of_a_map_are_refused(tmp_path, nodes, told):
    (tmp_path / "a.model").write_bytes(with_map(nodes))
    with pytest.raises(ValueError, match=rf"a\.model must be a SentencePiece model, but holds a map .*{told}"):
        check_piece_model(tmp_path / "a.model")


def test_a_map_within_itself_passes(tmp_path):
    (tmp_path / "a.model").write_bytes(with_map(trie()))
    check_piece_model(tmp_path / "a.model")
    (tmp_path / "a.model").write_bytes(with_map(trie(), texts=b"no end"))
    with pytest.raises(ValueError, match="whose texts have no end"):
        check_piece_model(tmp_path / "a.model")


@pytest.mark.parametrize(
    "content", [b"\x07", b"\x1a\xff", b"\x08" + b"\xff" * 11, b"\x1a\x04\x12\x02ab", b"plain text"]
)
def test_what_is_no_model_is_refused(tmp_path, content):
    (tmp_path / "a.model").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.model must be a SentencePiece model"):
        load_sentencepiece_tokenizer(tmp_path / "a.model", SentencePieceTokenizerConfig())


WRONG = [
    (b"[" * 100_000, "nested too deep"),
    (b'{"a":' * 100_000, "nested too deep"),
    (b"\xff\xfe", "must be JSON"),
    (b"[]", "holds a list"),
    (b'{"characters": ["a", "a"]}', "must hold a tokenizer, but .* repeated"),
    (b'{"characters": ["ab"]}', "must hold a tokenizer, but"),
    (b'{"characters": ["\\ud800"]}', "whole characters"),
    (b'{"characters": ["a"], "tags": ["x"]}', "must hold a tokenizer, but"),
    (b'{"characters": ["a"], "alphabets": ["<ase> a"]}', "must hold a tokenizer, but alphabets must be of tags"),
    (b'{"characters": ["a"], "config": {"lowercase": "no"}}', "but holds 'lowercase': 'no'"),
    (b'{"characters": ["a"], "config": {"other": 1}}', "but holds 'other': 1"),
    (b'{"characters": ["a"], "config": 3}', "must hold an object as config"),
    (b'{"characters": ["a"], "config": {"default_tag": "<x>"}}', "must hold a tokenizer, but default_tag"),
    (b'{"tokenizer_family": "slp_word", "words": ["a", "a"]}', "must hold a tokenizer, but words"),
    (b'{"tokenizer_family": "other"}', "must be of the family"),
    (b'{"tokenizer_family": ["other"]}', "must be of the family"),
]


@pytest.mark.parametrize(("content", "told"), WRONG)
def test_each_error_names_the_file(tmp_path, content, told):
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(ValueError, match=rf"{tmp_path}/tokenizer\.json .*{told}"):
        load_tokenizer(tmp_path)


def test_a_huge_file_is_refused_unread(tmp_path):
    with (tmp_path / "tokenizer.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ValueError, match=f"at most {MAX_JSON} bytes"):
        load_tokenizer(tmp_path)


def test_a_byte_order_mark_is_no_word(tmp_path):
    (tmp_path / "words.txt").write_bytes(b"\xef\xbb\xbfwind\nregen\n")
    assert open_tokenizer(tmp_path / "words.txt", "slp_word").words == ("wind", "regen")
    (tmp_path / "words.json").write_bytes(b"\xef\xbb\xbf" + json.dumps({"words": ["wind"]}).encode())
    assert open_tokenizer(tmp_path / "words.json", "slp_word").words == ("wind",)


@pytest.mark.parametrize("tokenizer", [CharacterTokenizer(" ab"), WordTokenizer(["wind", "regen"])])
def test_what_is_saved_is_loaded(tmp_path, tokenizer):
    save_tokenizer(tmp_path, tokenizer)
    assert load_tokenizer(tmp_path).content == tokenizer.content
