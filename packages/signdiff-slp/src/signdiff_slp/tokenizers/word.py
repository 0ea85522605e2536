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

from fairseq2.data.tokenizers import Tokenizer, TokenizerHubAccessor, VocabularyInfo
from fairseq2.device import Device
from typing_extensions import override

from signdiff_slp.tokenizers.encoding import SymbolDecoder, SymbolEncoder
from signdiff_slp.tokenizers.files import check_size, read_lists

WORD_FAMILY: Final = "slp_word"
"""The name under which fairseq2 knows the tokenizer family of words."""

GLOSS_FAMILY: Final = "slp_gloss"
"""The name under which fairseq2 knows the tokenizer family of glosses."""

_UNK, _PAD, _BOS, _EOS = range(4)
_CONTROLS: Final = ("<unk>", "<pad>", "<s>", "</s>")
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
class WordTokenizer(Tokenizer):
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
        self._symbols = (*_CONTROLS, *self.words)
        self._index = {symbol: token for token, symbol in enumerate(self._symbols)}
        if len(self._index) != len(self._symbols):
            raise ValueError("words must be given once each, but some are repeated.")
        self._vocab_info = VocabularyInfo(len(self._symbols), unk_idx=_UNK, bos_idx=_BOS, eos_idx=_EOS, pad_idx=_PAD)

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
        prefix = (_CONTROLS[_BOS],) if self.config.begin else ()
        suffix = (_CONTROLS[_EOS],) if self.config.end else ()
        return self._encoder(prefix, suffix, device)

    @override
    def create_raw_encoder(self, *, device: Device | None = None, pin_memory: bool = False) -> SymbolEncoder:
        return self._encoder((), (), device)

    @override
    def create_decoder(self, *, skip_special_tokens: bool = False) -> SymbolDecoder:
        return SymbolDecoder(self._symbols, " ".join, skipped=_CONTROLS if skip_special_tokens else ())

    @property
    @override
    def vocab_info(self) -> VocabularyInfo:
        return self._vocab_info

    @property
    def content(self) -> dict[str, Any]:
        """What a JSON file of this tokenizer holds, as `load_word_tokenizer` reads it."""
        return {"words": list(self.words)}

    def _encoder(self, prefix: Sequence[str], suffix: Sequence[str], device: Device | None) -> SymbolEncoder:
        return SymbolEncoder(
            self._cut, self._index, unknown=_CONTROLS[_UNK], prefix=prefix, suffix=suffix, device=device
        )

    def _cut(self, text: str) -> list[str]:
        return (text.lower() if self.config.lowercase else text).split()


def read_words(path: Path) -> list[str]:
    """Read a vocabulary: ``{"words": [...]}`` in a ``.json`` file, or any other file with one word a line.

    A word that a plain file repeats counts once, where it comes first, as in the published code.

    Returns:
        The words in the file's order, with the special tokens that it names.

    Raises:
        ValueError: the file is broken, or larger than 64 MB.
    """
    check_size(path, _MAX_FILE_SIZE)
    if path.suffix.lower() == ".json":
        return read_lists(path, "words")[0]
    try:
        with path.open(encoding="utf-8") as lines:
            return list(dict.fromkeys(line.removesuffix("\n") for line in lines))
    except UnicodeDecodeError as ex:
        raise ValueError(f"{path} must be text in UTF-8, but is not: {ex}.") from ex


def load_word_tokenizer(path: Path, config: WordTokenizerConfig) -> WordTokenizer:
    """Load a tokenizer from a vocabulary, as `read_words` reads it.

    Raises:
        ValueError: the file is broken, larger than 64 MB, or repeats a word in JSON.
    """
    return WordTokenizer(read_words(path), config)


get_word_tokenizer_hub: Final = TokenizerHubAccessor(WORD_FAMILY, kls=WordTokenizer, config_kls=WordTokenizerConfig)
"""Gives the hub of word tokenizers."""

get_gloss_tokenizer_hub: Final = TokenizerHubAccessor(GLOSS_FAMILY, kls=WordTokenizer, config_kls=GlossTokenizerConfig)
"""Gives the hub of gloss tokenizers."""
