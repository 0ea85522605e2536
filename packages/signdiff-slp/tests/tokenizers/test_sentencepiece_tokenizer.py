import io

import pytest
import sentencepiece
import torch

from signdiff_slp.tokenizers import SentencePieceTokenizerConfig
from signdiff_slp.tokenizers.sentencepiece import get_sentencepiece_tokenizer_hub, load_sentencepiece_tokenizer

TEXTS = ["der wind weht", "am tag regnet es", "der regen zieht ab", "morgen weht am tag ein schwacher wind"]


def _train(path, **settings):
    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS),
        model_writer=buffer,
        vocab_size=40,
        hard_vocab_limit=False,
        minloglevel=2,
        **settings,
    )
    path.write_bytes(buffer.getvalue())
    return sentencepiece.SentencePieceProcessor(model_proto=buffer.getvalue())


def test_tokens_are_those_of_sentencepiece(tmp_path):
    reference = _train(tmp_path / "a.model", pad_id=0, unk_id=1, bos_id=2, eos_id=3)
    tokenizer = load_sentencepiece_tokenizer(tmp_path / "a.model", SentencePieceTokenizerConfig())
    assert tokenizer.vocab_info.size == reference.get_piece_size()
    assert tokenizer.vocab_info.pad_idx == 0
    for text in TEXTS:
        tokens = reference.encode(text)
        assert tokenizer.create_encoder()(text).tolist() == [2, *tokens, 3]
        assert tokenizer.create_raw_encoder()(text).tolist() == tokens
        assert tokenizer.create_decoder()(torch.tensor([2, *tokens, 3])) == text


def test_begin_and_end_are_options(tmp_path):
    _train(tmp_path / "a.model", pad_id=0, unk_id=1, bos_id=2, eos_id=3)
    config = SentencePieceTokenizerConfig(begin=False)
    tokens = load_sentencepiece_tokenizer(tmp_path / "a.model", config).create_encoder()("wind").tolist()
    assert tokens[0] != 2
    assert tokens[-1] == 3


def test_a_model_without_padding_gets_one_in_front(tmp_path):
    reference = _train(tmp_path / "a.model")
    assert reference.pad_id() == -1
    tokenizer = load_sentencepiece_tokenizer(tmp_path / "a.model", SentencePieceTokenizerConfig())
    assert tokenizer.vocab_info.pad_idx == 0
    assert tokenizer.vocab_info.size == reference.get_piece_size() + 1
    expected = [token + 1 for token in reference.encode("der wind", add_bos=True, add_eos=True)]
    assert tokenizer.create_encoder()("der wind").tolist() == expected


def test_a_model_without_a_begin_is_refused_where_one_is_asked_for(tmp_path):
    _train(tmp_path / "a.model", pad_id=0, unk_id=1, bos_id=-1, eos_id=2)
    with pytest.raises(ValueError, match="model must have a begin symbol, but has none"):
        load_sentencepiece_tokenizer(tmp_path / "a.model", SentencePieceTokenizerConfig())
    config = SentencePieceTokenizerConfig(begin=False)
    assert load_sentencepiece_tokenizer(tmp_path / "a.model", config).vocab_info.bos_idx is None


def test_a_file_that_is_wrong(tmp_path):
    (tmp_path / "a.model").write_text("no model")
    with pytest.raises(ValueError, match="must be a SentencePiece model"):
        load_sentencepiece_tokenizer(tmp_path / "a.model", SentencePieceTokenizerConfig())


def test_fairseq2_knows_the_family(tmp_path):
    _train(tmp_path / "a.model", pad_id=0, unk_id=1, bos_id=2, eos_id=3)
    hub = get_sentencepiece_tokenizer_hub()
    tokenizer = hub.load_custom_tokenizer(tmp_path / "a.model", SentencePieceTokenizerConfig())
    assert tokenizer.create_encoder()("wind").tolist()[0] == 2
