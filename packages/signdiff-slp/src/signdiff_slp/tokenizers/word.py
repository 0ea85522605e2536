"""One token for each word or gloss, with the vocabulary files of the Progressive Transformers code.

The published code (Saunders et al. 2020) cuts texts at white space, keeps their case, and puts ``</s>`` after them but
no ``<s>`` before; the defaults here are the same, so that a converted checkpoint finds its own tokens. Its vocabularies
start with ``<unk>``, ``<pad>``, ``<s>`` and ``</s>``, in this order, whether a file names them or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from fairseq2.data.tokenizers import TokenizerHubAccessor
from typing_extensions import override

from signdiff_core.formats.files import iter_lines
from signdiff_slp.tokenizers.base import SymbolTokenizer, check_size, naming, read_lists

WORD_FAMILY: Final = "slp_word"
"""The name under which fairseq2 knows the tokenizer family of words."""

GLOSS_FAMILY: Final = "slp_gloss"
"""The name under which fairseq2 knows the tokenizer family of glosses."""

_SPECIAL: Final = {"unknown": "<unk>", "pad": "<pad>", "begin": "<s>", "end": "</s>"}
_CONTROLS: Final = tuple(_SPECIAL.values())
_MAX_FILE_SIZE: Final = 1 << 26


@dataclass(kw_only=True)
class WordTokenizerConfig:
    """Holds the configuration of a word tokenizer."""

    lowercase: bool = False
    """If ``True``, text is put in lower case first."""

    begin: bool = False
    """If ``True``, ``<s>`` comes before the text."""

    end: bool = True
    """If ``True``, ``</s>`` comes after the text."""


@dataclass(kw_only=True)
class GlossTokenizerConfig(WordTokenizerConfig):
    """Holds the configuration of a gloss tokenizer: that of words, under a name of its own."""


@final
class WordTokenizer(SymbolTokenizer):
    """Encodes text word by word; words are what white space divides.

    Args:
        words: the words that have a token, each once; special tokens among them are passed over, as they come first.
        config: the configuration.

    Raises:
        ValueError: a word occurs twice.
    """

    def __init__(self, words: Sequence[str], config: WordTokenizerConfig | None = None) -> None:
        self.words = tuple(word for word in words if word not in _CONTROLS)
        self.config = config or WordTokenizerConfig()
        if len(set(self.words)) != len(self.words):
            raise ValueError("words must be given once each, but some are repeated.")
        super().__init__((*_CONTROLS, *self.words), **_SPECIAL)

    @property
    def content(self) -> dict[str, Any]:
        """What a JSON file of this tokenizer holds, as `load_word_tokenizer` reads it."""
        return {"words": list(self.words)}

    @override
    def word_spans(self, text: str) -> list[tuple[str, int, int]]:
        return [(word, start, start + 1) for start, word in enumerate(text.split(), start=int(self.config.begin))]

    @override
    def _around(self) -> tuple[Sequence[str], Sequence[str]]:
        return [_SPECIAL["begin"]] * self.config.begin, [_SPECIAL["end"]] * self.config.end

    @override
    def _cut(self, text: str) -> list[str]:
        return (text.lower() if self.config.lowercase else text).split()

    @override
    def _join(self, symbols: Sequence[str]) -> str:
        return " ".join(symbols)


def read_words(path: Path) -> list[str]:
    """Read a vocabulary: ``{"words": [...]}`` in a ``.json`` file, or any other file with one word a line.

    A word that a plain file repeats counts once, where it comes first, as in the published code. The special tokens
    that the file names are among the words. A ``ValueError`` says if it is broken, or larger than 64 MB.
    """
    check_size(path, _MAX_FILE_SIZE)
    if path.suffix.lower() == ".json":
        return read_lists(path, "words")[0]
    return list(dict.fromkeys(iter_lines(path)))


def load_word_tokenizer(path: Path, config: WordTokenizerConfig) -> WordTokenizer:
    """Load a tokenizer from a vocabulary, as `read_words` reads it; no word may be repeated in JSON."""
    with naming(path):
        return WordTokenizer(read_words(path), config)


get_word_tokenizer_hub: Final = TokenizerHubAccessor(WORD_FAMILY, kls=WordTokenizer, config_kls=WordTokenizerConfig)
"""Gives the hub of word tokenizers."""

get_gloss_tokenizer_hub: Final = TokenizerHubAccessor(GLOSS_FAMILY, kls=WordTokenizer, config_kls=GlossTokenizerConfig)
"""Gives the hub of gloss tokenizers."""
