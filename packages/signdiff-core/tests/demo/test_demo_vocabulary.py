import pytest

pytest.importorskip("transformers")

from transformers import CLIPTokenizer

from signdiff_core.demo.make_base import learn_merges, write_vocabulary

CAPTIONS = ["a young woman with long-sleeved shirt, grey background", "an old man in 2 shirts; the shirtless one"]


@pytest.fixture
def tokenizer(tmp_path):
    write_vocabulary(tmp_path, learn_merges(CAPTIONS))
    return CLIPTokenizer(str(tmp_path / "vocab.json"), str(tmp_path / "merges.txt"), model_max_length=32)


def test_every_word_of_the_captions_is_one_token(tokenizer):
    assert tokenizer.tokenize(CAPTIONS[0]) == [
        *("a</w>", "young</w>", "woman</w>", "with</w>", "long</w>", "-</w>", "sleeved</w>", "shirt</w>", ",</w>"),
        *("grey</w>", "background</w>"),
    ]
    assert tokenizer.tokenize(CAPTIONS[1])[-2:] == ["shirtless</w>", "one</w>"]


def test_any_text_survives_a_round_trip(tokenizer):
    text = "zebra caf\u00e9 42 \u4f60\u597d !"
    ids = tokenizer(text).input_ids
    assert tokenizer.unk_token_id not in ids[1:-1]
    assert tokenizer.decode(ids, skip_special_tokens=True).replace(" ", "") == text.replace(" ", "")


def test_ids_are_dense_and_padding_ends_the_text(tokenizer):
    assert sorted(tokenizer.get_vocab().values()) == list(range(len(tokenizer)))
    assert tokenizer.pad_token_id == tokenizer.eos_token_id
