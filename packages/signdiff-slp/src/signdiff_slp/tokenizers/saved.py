"""A tokenizer in a model's folder: ``tokenizer.json``, and for SentencePiece ``tokenizer.model`` beside it."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any, Final, TypeVar

from signdiff_core.atomic import replacing
from signdiff_slp.tokenizers.character import (
    CHARACTER_FAMILY,
    CharacterTokenizer,
    CharacterTokenizerConfig,
    get_character_tokenizer_hub,
    load_character_tokenizer,
)
from signdiff_slp.tokenizers.files import read_object
from signdiff_slp.tokenizers.sentencepiece import (
    SENTENCEPIECE_FAMILY,
    SentencePieceTokenizer,
    SentencePieceTokenizerConfig,
    load_sentencepiece_tokenizer,
)
from signdiff_slp.tokenizers.word import WORD_FAMILY, WordTokenizer, WordTokenizerConfig, load_word_tokenizer

TOKENIZER: Final = "tokenizer.json"
PIECES: Final = "tokenizer.model"

AnyTokenizer = CharacterTokenizer | WordTokenizer | SentencePieceTokenizer

Config = TypeVar("Config", CharacterTokenizerConfig, WordTokenizerConfig, SentencePieceTokenizerConfig)


def save_tokenizer(folder: Path, tokenizer: AnyTokenizer) -> None:
    """Write a tokenizer; each file is written beside its target and then renamed.

    Raises:
        ValueError: a SentencePiece model that was not read from a file.
    """
    content: dict[str, Any] = {"config": dataclasses.asdict(tokenizer.config)}
    if isinstance(tokenizer, SentencePieceTokenizer):
        if tokenizer.path is None:
            raise ValueError("tokenizer must have been read from a file, but was not.")
        content["tokenizer_family"] = SENTENCEPIECE_FAMILY
        with replacing(folder / PIECES) as temporary:
            shutil.copyfile(tokenizer.path, temporary)
    else:
        family = WORD_FAMILY if isinstance(tokenizer, WordTokenizer) else CHARACTER_FAMILY
        content |= {"tokenizer_family": family, **tokenizer.content}
    with replacing(folder / TOKENIZER) as temporary:
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def load_tokenizer(folder: Path) -> AnyTokenizer:
    """Read a tokenizer that `save_tokenizer` wrote.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is too large, broken, or of an unknown family.
    """
    path = folder / TOKENIZER
    content = read_object(path)
    family = content.get("tokenizer_family", CHARACTER_FAMILY)
    settings = content.get("config", {})
    if family == CHARACTER_FAMILY:
        return load_character_tokenizer(path, _settings(path, CharacterTokenizerConfig(), settings))
    if family == WORD_FAMILY:
        return load_word_tokenizer(path, _settings(path, WordTokenizerConfig(), settings))
    if family == SENTENCEPIECE_FAMILY:
        return load_sentencepiece_tokenizer(folder / PIECES, _settings(path, SentencePieceTokenizerConfig(), settings))
    families = f"{CHARACTER_FAMILY}, {WORD_FAMILY} or {SENTENCEPIECE_FAMILY}"
    raise ValueError(f"{path} must be of the family {families}, but is of {family!r}.")


def _settings(path: Path, defaults: Config, given: Any) -> Config:
    """Make a configuration of what a file says, where names and types are those of the defaults."""
    known = dataclasses.asdict(defaults)
    if not isinstance(given, dict):
        raise ValueError(f"{path} must hold an object as config, but holds a {type(given).__name__}.")
    for name, value in given.items():
        if name not in known or type(value) is not type(known[name]):
            raise ValueError(f"{path} must hold {', '.join(known)} as config, but holds {name!r}: {value!r}.")
    return dataclasses.replace(defaults, **given)


def open_tokenizer(name_or_path: str | Path, family: str = CHARACTER_FAMILY) -> AnyTokenizer:
    """Open the tokenizer that a model was trained with.

    Args:
        name_or_path: a vocabulary, or a SentencePiece model; or the name of a fairseq2 asset.
        family: of what the file holds: ``slp_character``, ``slp_word`` or ``slp_sentencepiece``.

    Raises:
        ValueError: there is neither a file nor an asset of that name, or the file is broken.
    """
    path = Path(name_or_path)
    if not path.is_file():
        from fairseq2.data.tokenizers import TokenizerNotKnownError

        try:
            return get_character_tokenizer_hub().load_tokenizer(str(name_or_path))
        except TokenizerNotKnownError as error:
            raise ValueError(f"tokenizer must be a file or a fairseq2 asset, but is {str(name_or_path)!r}.") from error
    if family == WORD_FAMILY:
        return load_word_tokenizer(path, WordTokenizerConfig())
    if family == SENTENCEPIECE_FAMILY:
        return load_sentencepiece_tokenizer(path, SentencePieceTokenizerConfig())
    if family == CHARACTER_FAMILY:
        return load_character_tokenizer(path, CharacterTokenizerConfig())
    families = f"{CHARACTER_FAMILY}, {WORD_FAMILY} or {SENTENCEPIECE_FAMILY}"
    raise ValueError(f"tokenizer_family must be {families}, but is {family!r}.")
