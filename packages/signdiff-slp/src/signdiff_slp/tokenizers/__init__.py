"""Tokenizers of source text."""

from signdiff_slp.tokenizers.character import (
    CHARACTER_FAMILY,
    CharacterTokenizer,
    CharacterTokenizerConfig,
    get_character_tokenizer_hub,
    load_character_tokenizer,
)

__all__ = [
    "CHARACTER_FAMILY",
    "CharacterTokenizer",
    "CharacterTokenizerConfig",
    "get_character_tokenizer_hub",
    "load_character_tokenizer",
]
