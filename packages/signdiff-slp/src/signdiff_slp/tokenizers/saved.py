"""A tokenizer in a model's folder: ``tokenizer.json``, and for SentencePiece ``tokenizer.model`` beside it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from signdiff_core.atomic import replacing
from signdiff_slp.tokenizers import character, sentencepiece, word
from signdiff_slp.tokenizers.base import read_object
from signdiff_slp.tokenizers.character import CHARACTER_FAMILY, CharacterTokenizer, CharacterTokenizerConfig
from signdiff_slp.tokenizers.sentencepiece import SENTENCEPIECE_FAMILY, SentencePieceTokenizer
from signdiff_slp.tokenizers.word import GLOSS_FAMILY, WORD_FAMILY, WordTokenizer, WordTokenizerConfig

TOKENIZER: Final = "tokenizer.json"
PIECES: Final = "tokenizer.model"

AnyTokenizer = CharacterTokenizer | WordTokenizer | SentencePieceTokenizer

FAMILIES: Final[Mapping[str, tuple[Any, Any, Any]]] = {
    CHARACTER_FAMILY: (CharacterTokenizer, CharacterTokenizerConfig, character.load_character_tokenizer),
    WORD_FAMILY: (WordTokenizer, WordTokenizerConfig, word.load_word_tokenizer),
    GLOSS_FAMILY: (WordTokenizer, word.GlossTokenizerConfig, word.load_word_tokenizer),
    SENTENCEPIECE_FAMILY: (
        SentencePieceTokenizer,
        sentencepiece.SentencePieceTokenizerConfig,
        sentencepiece.load_sentencepiece_tokenizer,
    ),
}
"""The families of tokenizers, each with its class, its configuration, and what loads a file with one."""


def family_of(tokenizer: AnyTokenizer) -> str:
    """Name a tokenizer's family."""
    return next(family for family, (_, config_kls, _) in FAMILIES.items() if type(tokenizer.config) is config_kls)


def save_tokenizer(folder: Path, tokenizer: AnyTokenizer) -> None:
    """Write a tokenizer, each file whole or not at all; a ``ValueError`` for pieces that were not read from a file."""
    content: dict[str, Any] = {
        "config": dataclasses.asdict(tokenizer.config),
        "tokenizer_family": family_of(tokenizer),
    }
    if isinstance(tokenizer, SentencePieceTokenizer):
        if tokenizer.path is None:
            raise ValueError("tokenizer must have been read from a file, but was not.")
        with replacing(folder / PIECES) as temporary:
            shutil.copyfile(tokenizer.path, temporary)
    else:
        content |= tokenizer.content
    with replacing(folder / TOKENIZER) as temporary:
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def load_tokenizer(folder: Path) -> AnyTokenizer:
    """Read a tokenizer that `save_tokenizer` wrote.

    A ``FileNotFoundError`` or ``ValueError`` says which file is missing, too large, broken, or of an unknown family.
    """
    path = folder / TOKENIZER
    content = read_object(path)
    family = content.get("tokenizer_family", CHARACTER_FAMILY)
    settings = content.get("config", {})
    return _load(folder / PIECES if family == SENTENCEPIECE_FAMILY else path, family, settings, named=path)


def describe_saved(folder: Path) -> tuple[Path, str, dict[str, Any]]:
    """Look over a saved tokenizer, as `load_tokenizer`: the file that its loader reads, its family and settings."""
    tokenizer = load_tokenizer(folder)
    file = PIECES if isinstance(tokenizer, SentencePieceTokenizer) else TOKENIZER
    return folder / file, family_of(tokenizer), dataclasses.asdict(tokenizer.config)


def differences(wanted: AnyTokenizer, found: AnyTokenizer) -> list[str]:
    """Say in what a tokenizer is another one: its family, its tokens, or a setting.

    >>> differences(WordTokenizer(["a"]), WordTokenizer(["a", "b"], WordTokenizerConfig(lowercase=True)))
    ['its tokens', 'lowercase True instead of False']
    """
    was, is_now = family_of(wanted), family_of(found)
    if was != is_now and {was, is_now} != {WORD_FAMILY, GLOSS_FAMILY}:
        return [f"the family {is_now} instead of {was}"]
    differing = [] if _tokens(wanted) == _tokens(found) else ["its tokens"]
    before, now = dataclasses.asdict(wanted.config), dataclasses.asdict(found.config)
    return [*differing, *(f"{name} {now[name]} instead of {before[name]}" for name in now if now[name] != before[name])]


def _tokens(tokenizer: AnyTokenizer) -> object:
    if not isinstance(tokenizer, SentencePieceTokenizer):
        return tokenizer.content
    return None if tokenizer.path is None else hashlib.sha256(tokenizer.path.read_bytes()).digest()


def open_tokenizer(
    name_or_path: str | Path, family: str = CHARACTER_FAMILY, *, settings: Mapping[str, Any] | None = None
) -> AnyTokenizer:
    """Open the tokenizer of a model: a vocabulary, a SentencePiece model, or a fairseq2 asset by its name.

    ``family`` is of what the file holds. ``settings`` are of its configuration, such as ``lowercase``; the others are
    the family's own, or the asset's. A ``ValueError`` says if there is neither a file nor an asset of that name, the
    file is broken, or a setting is unknown.
    """
    path = Path(name_or_path)
    if path.is_file():
        return _load(path, family, settings or {}, named=path)
    from fairseq2.data.tokenizers import TokenizerNotKnownError

    try:
        asset = character.get_character_tokenizer_hub().load_tokenizer(str(name_or_path))
    except TokenizerNotKnownError as error:
        raise ValueError(f"tokenizer must be a file or a fairseq2 asset, but is {str(name_or_path)!r}.") from error
    if not settings:
        return asset
    config = CharacterTokenizerConfig(**{**dataclasses.asdict(asset.config), **settings})
    return CharacterTokenizer(asset.characters, config, tags=asset.tags, alphabets=asset.alphabets)


def _load(file: Path, family: str, settings: Any, *, named: Path) -> AnyTokenizer:
    if not isinstance(family, str) or family not in FAMILIES:
        *others, last = FAMILIES
        raise ValueError(f"{named} must be of the family {', '.join(others)} or {last}, but is of {family!r}.")
    _, config_kls, load = FAMILIES[family]
    known = dataclasses.asdict(config_kls())
    if not isinstance(settings, dict):
        raise ValueError(f"{named} must hold an object as config, but holds a {type(settings).__name__}.")
    for name, value in settings.items():
        if name not in known or type(value) is not type(known[name]):
            raise ValueError(f"{named} must hold {', '.join(known)} as config, but holds {name!r}: {value!r}.")
    loaded: AnyTokenizer = load(file, config_kls(**settings))
    return loaded
