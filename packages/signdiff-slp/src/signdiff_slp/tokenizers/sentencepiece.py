"""Pieces of words, as a SentencePiece model cuts them.

A model's map that normalises text is checked before the library follows it: the library reads it as a double array (a
trie in which every node points to its children) without a look at its end, so that a damaged one ends the process.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import numpy as np
from fairseq2.data.tokenizers import TokenDecoder, TokenEncoder, Tokenizer, TokenizerHubAccessor, VocabularyInfo
from fairseq2.data.tokenizers.sentencepiece import (
    SentencePieceDecoder,
    SentencePieceEncoder,
    SentencePieceModel,
    get_sentencepiece_vocabulary_info,
)
from fairseq2.device import Device
from numpy.typing import NDArray
from typing_extensions import override

from signdiff_slp.tokenizers.base import check_size, naming

SENTENCEPIECE_FAMILY: Final = "slp_sentencepiece"
"""The name under which fairseq2 knows this tokenizer family."""

WORD: Final = "\N{LOWER ONE EIGHTH BLOCK}"
"""What SentencePiece puts before each word."""

_MAX_FILE_SIZE: Final = 1 << 26

MAX_MAP: Final = 1 << 22
"""Largest map that is read, in bytes; those that SentencePiece brings have a quarter of a megabyte."""

_SPECS: Final = (3, 5)
"""Fields of a model that hold a map: of the normaliser, and of its reverse."""

_MAP: Final = 2
_LABEL: Final = np.uint32(0x800000FF)
_CHUNK: Final = 1 << 12


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
    """Load a tokenizer from a SentencePiece model of at most 64 MB; a ``ValueError`` if it is none, or lacks a symbol.

    A model without a padding symbol gets one with the token 0; all other tokens move up by one.
    """
    check_size(path, _MAX_FILE_SIZE)
    check_piece_model(path)
    try:
        model = SentencePieceModel(path)
        if model.pad_idx is None:
            model = SentencePieceModel(path, ["<pad>@0"])
    except RuntimeError as ex:
        raise ValueError(f"{path} must be a SentencePiece model, but cannot be read: {ex}.") from ex
    with naming(path):
        tokenizer = SentencePieceTokenizer(model, config, path=path)
        for token in range(tokenizer.vocab_info.size):
            model.index_to_token(token)  # each is text, or this fails
    return tokenizer


get_sentencepiece_tokenizer_hub: Final = TokenizerHubAccessor(
    SENTENCEPIECE_FAMILY, kls=SentencePieceTokenizer, config_kls=SentencePieceTokenizerConfig
)
"""Gives the hub of SentencePiece tokenizers."""


def check_piece_model(path: Path) -> None:
    """Make sure that the maps in a SentencePiece model, a file of bounded size, lead nowhere outside themselves."""
    try:
        for number, spec in _fields(memoryview(path.read_bytes())):
            if number in _SPECS:
                for inner, charsmap in _fields(spec):
                    if inner == _MAP and len(charsmap):
                        _check_map(charsmap)
    except ValueError as ex:
        raise ValueError(f"{path} must be a SentencePiece model, but {ex}.") from ex


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Give the fields that hold bytes, with their numbers."""
    place = 0
    while place < len(message):
        tag, place = _integer(message, place)
        kind = tag & 7
        if kind == 0:
            _, place = _integer(message, place)
            continue
        if kind == 2:
            size, place = _integer(message, place)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"holds a field of the unknown type {kind}")
        if size > len(message) - place:
            raise ValueError("is cut off")
        if kind == 2:
            yield tag >> 3, message[place : place + size]
        place += size


def _integer(message: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for position, byte in enumerate(message[place : place + 10]):
        value |= (byte & 127) << 7 * position
        if byte < 128:
            return value, place + position + 1
    raise ValueError("holds an integer without an end")


def _check_map(charsmap: memoryview) -> None:
    size = int.from_bytes(charsmap[:4], "little")
    if len(charsmap) > MAX_MAP or size % 4 or not 1024 <= size < len(charsmap) - 4:
        raise ValueError(f"holds a map of {len(charsmap)} bytes for normalising, {size} of them a trie")
    units = np.frombuffer(charsmap, dtype="<u4", count=size // 4, offset=4)
    texts = charsmap[4 + size :]
    if texts[-1] != 0:
        raise ValueError("holds a map for normalising whose texts have no end")
    _check_trie(units, len(texts))


def _check_trie(units: NDArray[np.uint32], length: int) -> None:
    """Follow every pointer of a double array, as a search would, level by level."""
    labels = np.arange(256, dtype=np.uint32)
    seen = np.zeros(len(units) + 256, dtype=bool)
    level = _offsets(units[:1])
    while len(level):
        level = np.unique(level)
        if int(level[-1]) | 255 >= len(units):
            raise ValueError("holds a map for normalising that points outside itself")
        level = level[~seen[level]]
        seen[level] = True
        found = []
        for start in range(0, len(level), _CHUNK):
            children = level[start : start + _CHUNK, None] ^ labels
            taken = children[(units[children] & _LABEL) == labels]
            below = taken ^ _offsets(units[taken])
            leaves = below[(units[taken] >> 8 & 1) == 1]
            if len(leaves) and int(leaves.max()) >= len(units):
                raise ValueError("holds a map for normalising that points outside itself")
            if len(leaves) and int((units[leaves] & 0x7FFFFFFF).max()) >= length:
                raise ValueError("holds a map for normalising that points outside its texts")
            found.append(below)
        level = np.concatenate(found) if found else level[:0]


def _offsets(units: NDArray[np.uint32]) -> NDArray[np.uint32]:
    offsets: NDArray[np.uint32] = ((units >> 10) << ((units & np.uint32(1 << 9)) >> 6)).astype(np.uint32)
    return offsets
