"""What tokenizers share: from text to known symbols and back, and the reading of their files."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, final

import torch
from fairseq2.data.tokenizers import TokenDecoder, TokenEncoder, Tokenizer, VocabularyInfo
from fairseq2.device import Device
from torch import Tensor
from typing_extensions import override

from signdiff_slp.text import is_tag

MAX_JSON: Final = 1 << 24
"""Largest JSON file that is read, in bytes: of a million words."""


@final
class SymbolEncoder(TokenEncoder):
    """Turns text into tokens, one for each symbol that ``cut`` makes; those without a token become ``unknown``."""

    def __init__(
        self,
        cut: Callable[[str], Sequence[str]],
        index: Mapping[str, int],
        *,
        unknown: str,
        prefix: Sequence[str] = (),
        suffix: Sequence[str] = (),
        device: Device | None = None,
    ) -> None:
        self._cut = cut
        self._index = index
        self._unknown = unknown
        self._prefix, self._suffix = list(prefix), list(suffix)
        self._device = device

    @override
    def __call__(self, text: str) -> Tensor:
        return self._tensor(self.encode_as_tokens(text))

    @override
    def encode_as_tokens(self, text: str) -> list[str]:
        # The data pipeline hands over fairseq2's own string type.
        symbols = [symbol if symbol in self._index else self._unknown for symbol in self._cut(str(text))]
        return [*self._prefix, *symbols, *self._suffix]

    @property
    @override
    def prefix_indices(self) -> Tensor | None:
        return self._tensor(self._prefix) if self._prefix else None

    @property
    @override
    def suffix_indices(self) -> Tensor | None:
        return self._tensor(self._suffix) if self._suffix else None

    def _tensor(self, symbols: Sequence[str]) -> Tensor:
        return torch.tensor([self._index[symbol] for symbol in symbols], dtype=torch.int64, device=self._device)


@final
class SymbolDecoder(TokenDecoder):
    """Turns tokens back into text; symbols of ``skipped`` are left out."""

    def __init__(
        self, symbols: Sequence[str], join: Callable[[Sequence[str]], str], *, skipped: Sequence[str] = ()
    ) -> None:
        self._symbols = symbols
        self._join = join
        self._skipped = frozenset(skipped)

    @override
    def __call__(self, token_indices: Tensor) -> str:
        return self.decode_from_tokens([self._symbols[i] for i in token_indices.tolist()])

    @override
    def decode_from_tokens(self, tokens: Sequence[str]) -> str:
        return self._join([token for token in tokens if token not in self._skipped])


class SymbolTokenizer(Tokenizer):
    """A tokenizer of symbols, each once, four of which are special; what has no token is ``unknown``."""

    def __init__(self, symbols: Sequence[str], *, unknown: str, pad: str, begin: str, end: str) -> None:
        self._symbols = tuple(symbols)
        self._index = {symbol: token for token, symbol in enumerate(self._symbols)}
        self._unknown = unknown
        self._special = (unknown, pad, begin, end)
        unk_idx, pad_idx, bos_idx, eos_idx = (self._index[symbol] for symbol in self._special)
        self._vocab_info = VocabularyInfo(
            len(self._symbols), unk_idx=unk_idx, bos_idx=bos_idx, eos_idx=eos_idx, pad_idx=pad_idx
        )

    @override
    def create_encoder(
        self,
        *,
        task: str | None = None,
        lang: str | None = None,
        mode: str | None = None,
        device: Device | None = None,
        pin_memory: bool = False,
    ) -> SymbolEncoder:
        prefix, suffix = self._around()
        return self._encoder(prefix, suffix, device)

    @override
    def create_raw_encoder(self, *, device: Device | None = None, pin_memory: bool = False) -> SymbolEncoder:
        return self._encoder((), (), device)

    @override
    def create_decoder(self, *, skip_special_tokens: bool = False) -> SymbolDecoder:
        return SymbolDecoder(self._symbols, self._join, skipped=self._special if skip_special_tokens else ())

    @property
    @override
    def vocab_info(self) -> VocabularyInfo:
        return self._vocab_info

    @property
    def blank_indices(self) -> frozenset[int]:
        """The tokens that say nothing: white space and tags."""
        blank = {symbol for symbol in self._symbols if symbol.isspace() or is_tag(symbol)}
        return frozenset(self._index[symbol] for symbol in blank.difference(self._special))

    @abstractmethod
    def word_spans(self, text: str) -> list[tuple[str, int, int]]:
        """List the words of a text, each with its first token and the one after its last, those around counted."""

    def _encoder(self, prefix: Sequence[str], suffix: Sequence[str], device: Device | None) -> SymbolEncoder:
        return SymbolEncoder(self._cut, self._index, unknown=self._unknown, prefix=prefix, suffix=suffix, device=device)

    @abstractmethod
    def _around(self) -> tuple[Sequence[str], Sequence[str]]:
        """Give the symbols that come before and after a text."""

    @abstractmethod
    def _cut(self, text: str) -> Sequence[str]:
        """Make symbols of a text."""

    @abstractmethod
    def _join(self, symbols: Sequence[str]) -> str:
        """Make a text of symbols."""


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Raise a ``ValueError`` of a file's content with the file's name."""
    try:
        yield
    except ValueError as ex:
        if str(path) in str(ex):
            raise
        raise ValueError(f"{path} must hold a tokenizer, but {str(ex).rstrip('.')}.") from ex


def check_size(path: Path, most: int) -> None:
    """Refuse a file of more than ``most`` bytes with a ``ValueError``."""
    size = path.stat().st_size
    if size > most:
        raise ValueError(f"{path} must be at most {most} bytes, but is {size}.")


def read_object(path: Path, most: int = MAX_JSON) -> dict[str, Any]:
    """Read a JSON object of at most ``most`` bytes in UTF-8; a ``ValueError`` says if the file holds something else."""
    check_size(path, most)
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except RecursionError as ex:
        raise ValueError(f"{path} must be JSON, but is nested too deep.") from ex
    except ValueError as ex:
        raise ValueError(f"{path} must be JSON, but is not: {ex}.") from ex
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object, but holds a {type(content).__name__}.")
    return content


def read_lists(path: Path, required: str, *optional: str) -> list[list[str]]:
    """Read lists of strings out of a JSON object, or raise a ``ValueError``; absent ``optional`` ones are empty."""
    content = read_object(path)
    lists = []
    for key in (required, *optional):
        entries = content.get(key, None if key == required else [])
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            raise ValueError(f"{path} must hold a list of strings under {key!r}, but does not.")
        if any("\ud800" <= character <= "\udfff" for entry in entries for character in entry):
            raise ValueError(f"{path} must hold whole characters under {key!r}, but holds halves of some.")
        lists.append(entries)
    return lists
