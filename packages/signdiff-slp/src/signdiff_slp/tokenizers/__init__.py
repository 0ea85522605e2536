"""Tokenizers of source text."""

from signdiff_slp.tokenizers.character import CharacterTokenizer, CharacterTokenizerConfig
from signdiff_slp.tokenizers.sentencepiece import SentencePieceTokenizer, SentencePieceTokenizerConfig
from signdiff_slp.tokenizers.word import GlossTokenizerConfig, WordTokenizer, WordTokenizerConfig

__all__ = [
    "CharacterTokenizer",
    "CharacterTokenizerConfig",
    "GlossTokenizerConfig",
    "SentencePieceTokenizer",
    "SentencePieceTokenizerConfig",
    "WordTokenizer",
    "WordTokenizerConfig",
]
