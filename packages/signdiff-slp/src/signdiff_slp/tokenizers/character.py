"""One token for each character, between a begin and an end token."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import torch
from fairseq2.data.tokenizers import TokenDecoder, TokenEncoder, Tokenizer, TokenizerHubAccessor, VocabularyInfo
from fairseq2.device import Device
from torch import Tensor
from typing_extensions import override

CHARACTER_FAMILY: Final = "slp_character"
"""The name under which fairseq2 knows this tokenizer family."""

_PAD, _UNK, _BOS, _EOS = range(4)
_CONTROLS: Final = ("<pad>", "<unk>", "<s>", "</s>")
_MAX_FILE_SIZE: Final = 1 << 20


@dataclass(kw_only=True)
class CharacterTokenizerConfig:
    """Holds the configuration of a character tokenizer."""

    lowercase: bool = True
    """If ``True``, text is put in lower case first."""


@final
class CharacterTokenizer(Tokenizer):
    """Encodes text character by character.

    Args:
        characters: the characters that have a token, each once.
        config: the configuration.

    Raises:
        ValueError: a character occurs twice, or an entry is not a single character.
    """

    def __init__(self, characters: Sequence[str], config: CharacterTokenizerConfig | None = None) -> None:
        wrong = [entry for entry in characters if len(entry) != 1]
        if wrong:
            raise ValueError(f"characters must be single characters, but {wrong[0]!r} is not.")
        if len(set(characters)) != len(characters):
            raise ValueError("characters must be given once each, but some are repeated.")
        self.characters = tuple(characters)
        self.config = config or CharacterTokenizerConfig()
        self._vocab_info = VocabularyInfo(
            len(_CONTROLS) + len(characters), unk_idx=_UNK, bos_idx=_BOS, eos_idx=_EOS, pad_idx=_PAD
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
    ) -> CharacterEncoder:
        return CharacterEncoder(self, prefix=(_BOS,), suffix=(_EOS,), device=device)

    @override
    def create_raw_encoder(self, *, device: Device | None = None, pin_memory: bool = False) -> CharacterEncoder:
        return CharacterEncoder(self, prefix=(), suffix=(), device=device)

    @override
    def create_decoder(self, *, skip_special_tokens: bool = False) -> CharacterDecoder:
        return CharacterDecoder(self, skip_special_tokens=skip_special_tokens)

    @property
    @override
    def vocab_info(self) -> VocabularyInfo:
        return self._vocab_info


@final
class CharacterEncoder(TokenEncoder):
    """Turns text into tokens. Characters without a token become ``<unk>``."""

    def __init__(
        self, tokenizer: CharacterTokenizer, *, prefix: Sequence[int], suffix: Sequence[int], device: Device | None
    ) -> None:
        self._index = {character: len(_CONTROLS) + i for i, character in enumerate(tokenizer.characters)}
        self._lowercase = tokenizer.config.lowercase
        self._prefix, self._suffix = list(prefix), list(suffix)
        self._device = device

    @override
    def __call__(self, text: str) -> Tensor:
        tokens = [self._index.get(character, _UNK) for character in self._characters(text)]
        return torch.tensor([*self._prefix, *tokens, *self._suffix], dtype=torch.int64, device=self._device)

    @override
    def encode_as_tokens(self, text: str) -> list[str]:
        tokens = [c if c in self._index else _CONTROLS[_UNK] for c in self._characters(text)]
        return [*(_CONTROLS[i] for i in self._prefix), *tokens, *(_CONTROLS[i] for i in self._suffix)]

    def _characters(self, text: str) -> str:
        # The data pipeline hands over fairseq2's own string type.
        text = str(text)
        return text.lower() if self._lowercase else text

    @property
    @override
    def prefix_indices(self) -> Tensor | None:
        return torch.tensor(self._prefix, device=self._device) if self._prefix else None

    @property
    @override
    def suffix_indices(self) -> Tensor | None:
        return torch.tensor(self._suffix, device=self._device) if self._suffix else None


@final
class CharacterDecoder(TokenDecoder):
    """Turns tokens back into text."""

    def __init__(self, tokenizer: CharacterTokenizer, *, skip_special_tokens: bool) -> None:
        self._tokens = (*_CONTROLS, *tokenizer.characters)
        self._skip = skip_special_tokens

    @override
    def __call__(self, token_indices: Tensor) -> str:
        return self.decode_from_tokens([self._tokens[i] for i in token_indices.tolist()])

    @override
    def decode_from_tokens(self, tokens: Sequence[str]) -> str:
        return "".join(token for token in tokens if not (self._skip and token in _CONTROLS))


def load_character_tokenizer(path: Path, config: CharacterTokenizerConfig) -> CharacterTokenizer:
    """Load a tokenizer from ``{"characters": [" ", "a", ...]}``.

    Raises:
        ValueError: the file is not such JSON, or larger than a megabyte.
    """
    if path.stat().st_size > _MAX_FILE_SIZE:
        raise ValueError(f"{path} must be at most {_MAX_FILE_SIZE} bytes, but is {path.stat().st_size}.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as ex:
        raise ValueError(f"{path} must be JSON, but is not: {ex}.") from ex
    characters = content.get("characters") if isinstance(content, dict) else None
    if not isinstance(characters, list) or not all(isinstance(entry, str) for entry in characters):
        raise ValueError(f"{path} must hold a list of strings under 'characters', but does not.")
    return CharacterTokenizer(characters, config)


get_character_tokenizer_hub: Final = TokenizerHubAccessor(
    CHARACTER_FAMILY, kls=CharacterTokenizer, config_kls=CharacterTokenizerConfig
)
"""Gives the hub of character tokenizers."""
