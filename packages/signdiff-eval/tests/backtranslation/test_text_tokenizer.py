import pytest

pytest.importorskip("tokenizers")

from hypothesis import given, settings
from hypothesis import strategies as st

from signdiff_eval.backtranslation.network import EOS, UNK, read_tokenizer, train_tokenizer

TEXTS = ["das wetter morgen", "morgen regnet es", "es regnet das ganze wetter", "wetter wetter wetter"]


@pytest.mark.parametrize(("kind", "size"), [("character", 0), ("bpe", 60)])
@settings(max_examples=30, deadline=None)
@given(words=st.lists(st.sampled_from(" ".join(TEXTS).split()), min_size=1, max_size=6))
def test_texts_come_back(kind, size, words):
    tokenizer = train_tokenizer(TEXTS, kind, vocab_size=size)
    text = " ".join(words)
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_pieces_are_fewer_than_characters(tmp_path):
    tokenizer = train_tokenizer(TEXTS, "bpe", vocab_size=60)
    assert tokenizer.get_vocab_size() <= 60
    assert tokenizer.encode("wetter").tokens == ["▁wetter"]
    assert train_tokenizer(TEXTS).encode("wetter").tokens == list("wetter")
    assert (tokenizer.token_to_id("</s>"), tokenizer.token_to_id("<unk>")) == (EOS, UNK)
    assert UNK in train_tokenizer(TEXTS).encode("x").ids
    (tmp_path / "tokenizer.json").write_text(tokenizer.to_str())
    assert read_tokenizer(tmp_path / "tokenizer.json").get_vocab() == tokenizer.get_vocab()


def test_refusals(tmp_path):
    with pytest.raises(ValueError, match="must be one of character, bpe"):
        train_tokenizer(TEXTS, "words")
    with pytest.raises(ValueError, match="vocab_size must be above"):
        train_tokenizer(TEXTS, "bpe", vocab_size=9)
    with pytest.raises(ValueError, match="at least one character"):
        train_tokenizer([""])
