"""Pieces of words, as a SentencePiece model cuts them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from fairseq2.data.tokenizers import TokenDecoder, TokenEncoder, Tokenizer, TokenizerHubAccessor, VocabularyInfo
from fairseq2.data.tokenizers.sentencepiece import (
    SentencePieceDecoder,
    SentencePieceEncoder,
    SentencePieceModel,
    get_sentencepiece_vocabulary_info,
)
from fairseq2.device import Device
from typing_extensions import override

from signdiff_slp.tokenizers.files import check_size, told_with
from signdiff_slp.tokenizers.piece_models import check_piece_model

SENTENCEPIECE_FAMILY: Final = "slp_sentencepiece"
"""The name under which fairseq2 knows this tokenizer family."""

WORD: Final = "\N{LOWER ONE EIGHTH BLOCK}"
"""What SentencePiece puts before each word."""

_MAX_FILE_SIZE: Final = 1 << 26


@dataclass(kw_only=True)
class SentencePieceTokenizerConfig:
    """Holds the configuration of a SentencePiece tokenizer."""

    begin: bool = True
    """If ``True``, ``<s>`` comes before the text."""

    end: bool = True
    """If ``True``, ``</s>`` comes after the text."""


@final
class SentencePieceTokenizer(Tokenizer):
    """Encodes text with a SentencePiece model.

    Args:
        model: the model; it has a padding symbol.
        config: the configuration.
        path: the file that the model was read from, if any.

    Raises:
        ValueError: the model has no padding symbol, or lacks the begin or end symbol that ``config`` asks for.
    """

    def __init__(
        self,
        model: SentencePieceModel,
        config: SentencePieceTokenizerConfig | None = None,
        *,
        path: Path | None = None,
    ) -> None:
        self.config = config or SentencePieceTokenizerConfig()
        self.path = path
        self._model = model
        self._vocab_info = get_sentencepiece_vocabulary_info(model)
        needed = {
            "padding": self._vocab_info.pad_idx,
            "begin": self._vocab_info.bos_idx if self.config.begin else 0,
            "end": self._vocab_info.eos_idx if self.config.end else 0,
        }
        for name, token in needed.items():
            if token is None:
                raise ValueError(f"model must have a {name} symbol, but has none.")

    @override
    def create_encoder(
        self,
        *,
        task: str | None = None,
        lang: str | None = None,
        mode: str | None = None,
        device: Device | None = None,
        pin_memory: bool = False,
    ) -> TokenEncoder:
        return SentencePieceEncoder(
            self._model,
            prefix_tokens=[self._symbol(self._vocab_info.bos_idx)] if self.config.begin else [],
            suffix_tokens=[self._symbol(self._vocab_info.eos_idx)] if self.config.end else [],
            device=device,
            pin_memory=pin_memory,
        )

    @override
    def create_raw_encoder(self, *, device: Device | None = None, pin_memory: bool = False) -> TokenEncoder:
        return SentencePieceEncoder(self._model, device=device, pin_memory=pin_memory)

    @override
    def create_decoder(self, *, skip_special_tokens: bool = False) -> TokenDecoder:
        """Make a decoder; it leaves out special tokens in any case."""
        return SentencePieceDecoder(self._model)

    @property
    @override
    def vocab_info(self) -> VocabularyInfo:
        return self._vocab_info

    @property
    def blank_indices(self) -> frozenset[int]:
        """The tokens that say nothing: the mark that begins a word, where it stands alone."""
        return frozenset({self._model.token_to_index(WORD)} - {self._vocab_info.unk_idx})

    def word_spans(self, text: str) -> list[tuple[str, int, int]]:
        """As for the other tokenizers; no words, where the model does not divide the text as white space does."""
        pieces = self.create_raw_encoder().encode_as_tokens(text)
        starts = [place for place, piece in enumerate(pieces) if piece.startswith(WORD)]
        words = text.split()
        if len(starts) != len(words):
            return []
        first = int(self.config.begin)
        ends = [*starts[1:], len(pieces)]
        return [(word, first + start, first + end) for word, start, end in zip(words, starts, ends, strict=True)]

    def _symbol(self, token: int | None) -> str:
        return self._model.index_to_token(token or 0)


def load_sentencepiece_tokenizer(path: Path, config: SentencePieceTokenizerConfig) -> SentencePieceTokenizer:
    """Load a tokenizer from a SentencePiece model.

    A model without a padding symbol gets one with the token 0; all other tokens move up by one.

    Raises:
        ValueError: the file is no such model, lacks a symbol that is asked for, or is larger than 64 MB.
    """
    check_size(path, _MAX_FILE_SIZE)
    check_piece_model(path)
    try:
        model = SentencePieceModel(path)
        if model.pad_idx is None:
            model = SentencePieceModel(path, ["<pad>@0"])
    except RuntimeError as ex:
        raise ValueError(f"{path} must be a SentencePiece model, but cannot be read: {ex}.") from ex
    with told_with(path):
        tokenizer = SentencePieceTokenizer(model, config, path=path)
        for token in range(tokenizer.vocab_info.size):
            model.index_to_token(token)  # each is text, or this fails
    return tokenizer


get_sentencepiece_tokenizer_hub: Final = TokenizerHubAccessor(
    SENTENCEPIECE_FAMILY, kls=SentencePieceTokenizer, config_kls=SentencePieceTokenizerConfig
)
"""Gives the hub of SentencePiece tokenizers."""
