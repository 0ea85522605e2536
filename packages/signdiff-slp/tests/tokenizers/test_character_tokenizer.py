import pytest
import torch

from signdiff_slp.tokenizers import CharacterTokenizer, CharacterTokenizerConfig, load_character_tokenizer


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
    ("content", "message"), [("[", "must be JSON"), ('{"letters": []}', "list of strings"), ("[1]", "list of strings")]
)
def test_a_file_that_is_wrong(tmp_path, content, message):
    path = tmp_path / "tokenizer.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        load_character_tokenizer(path, CharacterTokenizerConfig())
