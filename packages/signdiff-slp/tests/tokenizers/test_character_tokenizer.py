import json

import pytest
import torch

from signdiff_slp.tokenizers import CharacterTokenizer, CharacterTokenizerConfig
from signdiff_slp.tokenizers.character import load_character_tokenizer


def test_one_token_for_each_character():
    tokenizer = CharacterTokenizer(" ab")
    assert tokenizer.vocab_info.size == 7
    assert tokenizer.create_encoder()("ba b").tolist() == [2, 6, 5, 4, 6, 3]
    assert tokenizer.create_raw_encoder()("ba").tolist() == [6, 5]


def test_case_and_unknown_characters():
    assert CharacterTokenizer("ab").create_encoder()("AxB").tolist() == [2, 4, 1, 5, 3]
    strict = CharacterTokenizer("ab", CharacterTokenizerConfig(lowercase=False))
    assert strict.create_encoder().encode_as_tokens("Ab") == ["<s>", "<unk>", "b", "</s>"]


def test_decoding_gives_the_text_back():
    tokenizer = CharacterTokenizer(" ehlo")
    tokens = tokenizer.create_encoder()("hello")
    assert tokenizer.create_decoder()(tokens) == "<s>hello</s>"
    assert tokenizer.create_decoder(skip_special_tokens=True)(torch.cat([tokens, torch.zeros(2).long()])) == "hello"


def test_prefix_and_suffix():
    encoder = CharacterTokenizer("a").create_encoder()
    assert encoder.prefix_indices.tolist() == [2]
    assert encoder.suffix_indices.tolist() == [3]
    assert CharacterTokenizer("a").create_raw_encoder().prefix_indices is None


@pytest.mark.parametrize(("characters", "message"), [(["ab"], "single characters"), (["a", "a"], "once each")])
def test_characters_that_are_wrong(characters, message):
    with pytest.raises(ValueError, match=message):
        CharacterTokenizer(characters)


@pytest.mark.parametrize(
    ("content", "message"), [("[", "must be JSON"), ('{"letters": []}', "list of strings"), ("[1]", "holds a list")]
)
def test_a_file_that_is_wrong(tmp_path, content, message):
    path = tmp_path / "tokenizer.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        load_character_tokenizer(path, CharacterTokenizerConfig())


def test_a_tag_is_one_token_and_its_space_is_none():
    tokenizer = CharacterTokenizer(" ab", tags=["<ase>", "<gsg>"])
    assert tokenizer.vocab_info.size == 9
    assert tokenizer.create_encoder()("<gsg> A b").tolist() == [2, 8, 5, 4, 6, 3]
    assert tokenizer.create_raw_encoder()("<gsg>").tolist() == [1] * 5
    tokens = tokenizer.create_encoder()("<ase> ab")
    assert tokenizer.create_decoder(skip_special_tokens=True)(tokens) == "<ase> ab"


def test_a_default_tag_stands_before_texts_without_one():
    config = CharacterTokenizerConfig(default_tag="<ase>")
    encoder = CharacterTokenizer(" ab", config, tags=["<ase>", "<gsg>"]).create_encoder()
    assert encoder("A b").tolist() == encoder("<ase> A b").tolist() == [2, 7, 5, 4, 6, 3]
    assert encoder("<gsg> b").tolist() == [2, 8, 6, 3]
    with pytest.raises(ValueError, match="default_tag must be one of the tags, but is '<ukl>'"):
        CharacterTokenizer("ab", CharacterTokenizerConfig(default_tag="<ukl>"), tags=["<ase>"])


@pytest.mark.parametrize("tag", ["gsg", "<GSG>", "<s>", "<gsg"])
def test_tags_that_are_wrong(tag):
    with pytest.raises(ValueError, match="tags must be 2 to 8 small letters in angle brackets, but"):
        CharacterTokenizer("ab", tags=[tag])


def test_a_file_gives_its_content_back(tmp_path):
    path = tmp_path / "tokenizer.json"
    for tokenizer in (CharacterTokenizer("ab"), CharacterTokenizer("ab", tags=["<gsg>"])):
        path.write_text(json.dumps(tokenizer.content))
        again = load_character_tokenizer(path, CharacterTokenizerConfig())
        assert (again.characters, again.tags) == (tokenizer.characters, tokenizer.tags)
    assert json.loads(path.read_text()) == {"characters": ["a", "b"], "tags": ["<gsg>"]}


def test_a_large_file_is_refused_unread(tmp_path):
    path = tmp_path / "tokenizer.json"
    with path.open("wb") as file:
        file.truncate((1 << 20) + 1)
    with pytest.raises(ValueError, match="must be at most 1048576 bytes, but is 1048577"):
        load_character_tokenizer(path, CharacterTokenizerConfig())
