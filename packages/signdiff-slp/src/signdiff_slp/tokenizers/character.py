"""One token for each character, between a begin and an end token; tags such as ``<gsg>`` are one token, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final, final

from fairseq2.data.tokenizers import TokenizerHubAccessor
from typing_extensions import override

from signdiff_slp.text import is_tag, split_tag
from signdiff_slp.tokenizers.base import SymbolTokenizer, check_size, naming, read_lists

CHARACTER_FAMILY: Final = "slp_character"
"""The name under which fairseq2 knows this tokenizer family."""

_SPECIAL: Final = {"pad": "<pad>", "unknown": "<unk>", "begin": "<s>", "end": "</s>"}
_CONTROLS: Final = tuple(_SPECIAL.values())
_MAX_FILE_SIZE: Final = 1 << 20


@dataclass(kw_only=True)
class CharacterTokenizerConfig:
    """Holds the configuration of a character tokenizer."""

    lowercase: bool = True
    """If ``True``, text is put in lower case first."""

    default_tag: str = ""
    """Stands before texts that come without a tag, so that a model of several languages takes them as of this one."""


@final
class CharacterTokenizer(SymbolTokenizer):
    """Encodes text character by character.

    A text may start with a tag and a space, ``<gsg> wort``: the tag is one token, and the space has none.

    Args:
        characters: the characters that have a token, each once.
        config: the configuration.
        tags: the tags that have a token, each once; theirs come after those of the characters.
        alphabets: the letters that are spelled in the language of a tag; all where a tag has none.

    Raises:
        ValueError: a character or tag occurs twice, an entry is not a single character, a tag is none, an alphabet is
            of no tag or has a letter without a token, or the default tag has no token.
    """

    def __init__(
        self,
        characters: Sequence[str],
        config: CharacterTokenizerConfig | None = None,
        *,
        tags: Sequence[str] = (),
        alphabets: Mapping[str, str] | None = None,
    ) -> None:
        wrong = [entry for entry in characters if len(entry) != 1]
        if wrong:
            raise ValueError(f"characters must be single characters, but {wrong[0]!r} is not.")
        if len(set(characters)) != len(characters):
            raise ValueError("characters must be given once each, but some are repeated.")
        for tag in tags:
            if not is_tag(tag) or tag in _CONTROLS:
                raise ValueError(f"tags must be 2 to 8 small letters in angle brackets, but {tag!r} is not.")
        if len(set(tags)) != len(tags):
            raise ValueError("tags must be given once each, but some are repeated.")
        for tag, letters in (alphabets or {}).items():
            if tag not in tags or not set(letters) <= set(characters):
                raise ValueError(f"alphabets must be of tags, of characters with a token, but that of {tag!r} is not.")
        self.characters = tuple(characters)
        self.tags = tuple(tags)
        self.alphabets = dict(alphabets or {})
        self.config = config or CharacterTokenizerConfig()
        if self.config.default_tag not in ("", *tags):
            raise ValueError(f"default_tag must be one of the tags, but is {self.config.default_tag!r}.")
        super().__init__((*_CONTROLS, *characters, *tags), **_SPECIAL)

    @property
    def content(self) -> dict[str, Any]:
        """What a file of this tokenizer holds, as `load_character_tokenizer` reads it."""
        tags = {"tags": list(self.tags)} if self.tags else {}
        alphabets = {"alphabets": [f"{tag} {letters}" for tag, letters in self.alphabets.items()]}
        return {"characters": list(self.characters), **tags, **(alphabets if self.alphabets else {})}

    @override
    def word_spans(self, text: str) -> list[tuple[str, int, int]]:
        spans, start = [], 1  # the first token begins
        for divides, run in groupby(self._cut(text), key=lambda symbol: symbol.isspace() or symbol in self.tags):
            symbols = list(run)
            if not divides:
                spans.append(("".join(symbols), start, start + len(symbols)))
            start += len(symbols)
        return spans

    @override
    def _around(self) -> tuple[Sequence[str], Sequence[str]]:
        return (_SPECIAL["begin"],), (_SPECIAL["end"],)

    @override
    def _cut(self, text: str) -> list[str]:
        tag, rest = split_tag(text)
        if tag not in self.tags:
            tag, rest = self.config.default_tag, text
        return [*([tag] if tag else []), *(rest.lower() if self.config.lowercase else rest)]

    @override
    def _join(self, symbols: Sequence[str]) -> str:
        return "".join(f"{symbol} " if symbol in self.tags else symbol for symbol in symbols)


def load_character_tokenizer(path: Path, config: CharacterTokenizerConfig) -> CharacterTokenizer:
    """Load a tokenizer from ``{"characters": [" ", "a", ...]}``; a ``ValueError`` if it is none, or over a megabyte.

    If there are any, ``"tags": ["<ase>", ...]`` and ``"alphabets": ["<ase> abc...", ...]`` stand beside them.
    """
    check_size(path, _MAX_FILE_SIZE)
    characters, tags, alphabets = read_lists(path, "characters", "tags", "alphabets")
    with naming(path):
        return CharacterTokenizer(characters, config, tags=tags, alphabets=dict(split_tag(each) for each in alphabets))


get_character_tokenizer_hub: Final = TokenizerHubAccessor(
    CHARACTER_FAMILY, kls=CharacterTokenizer, config_kls=CharacterTokenizerConfig
)
"""Gives the hub of character tokenizers."""
