"""Tokenizers of source text."""

from signdiff_slp.tokenizers.character import (
    CHARACTER_FAMILY,
    CharacterTokenizer,
    CharacterTokenizerConfig,
    get_character_tokenizer_hub,
    load_character_tokenizer,
)
from signdiff_slp.tokenizers.coverage import Coverage, cover
from signdiff_slp.tokenizers.sentencepiece import (
    SENTENCEPIECE_FAMILY,
    SentencePieceTokenizer,
    SentencePieceTokenizerConfig,
    get_sentencepiece_tokenizer_hub,
    load_sentencepiece_tokenizer,
)
from signdiff_slp.tokenizers.word import (
    GLOSS_FAMILY,
    WORD_FAMILY,
    GlossTokenizerConfig,
    WordTokenizer,
    WordTokenizerConfig,
    get_gloss_tokenizer_hub,
    get_word_tokenizer_hub,
    load_word_tokenizer,
    read_words,
)

__all__ = [
    "CHARACTER_FAMILY",
    "GLOSS_FAMILY",
    "SENTENCEPIECE_FAMILY",
    "WORD_FAMILY",
    "CharacterTokenizer",
    "CharacterTokenizerConfig",
    "Coverage",
    "GlossTokenizerConfig",
    "SentencePieceTokenizer",
    "SentencePieceTokenizerConfig",
    "WordTokenizer",
    "WordTokenizerConfig",
    "cover",
    "get_character_tokenizer_hub",
    "get_gloss_tokenizer_hub",
    "get_sentencepiece_tokenizer_hub",
    "get_word_tokenizer_hub",
    "load_character_tokenizer",
    "load_sentencepiece_tokenizer",
    "load_word_tokenizer",
    "read_words",
]
