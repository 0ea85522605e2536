"""A small byte-pair vocabulary for CLIP's tokenizer, learned from the captions, offline."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_WORD = re.compile(r"[a-z]+|[0-9]|[^\sa-z0-9]+")
"""CLIP splits text into runs of letters, single digits, and runs of other signs."""


def learn_merges(captions: Iterable[str], *, limit: int = 2000) -> list[tuple[str, str]]:
    """Learn byte-pair merges until every word of the captions is one token.

    Args:
        captions: the texts; case does not matter.
        limit: at most so many merges.

    Returns:
        Pairs of symbols in the order in which the tokenizer applies them.

    Example:
        >>> learn_merges(["no no on"])
        [('n', 'o</w>'), ('o', 'n</w>')]
    """
    counts = Counter(word for caption in captions for word in _WORD.findall(caption.lower()) if word.isascii())
    words = {word: [*word[:-1], f"{word[-1]}</w>"] for word in counts}
    merges: list[tuple[str, str]] = []
    while len(merges) < limit:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, symbols in words.items():
            for pair in pairwise(symbols):
                pairs[pair] += counts[word]
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        words = {word: _merged(symbols, best) for word, symbols in words.items()}
    return merges


def write_vocabulary(folder: Path, merges: list[tuple[str, str]]) -> None:
    """Write ``vocab.json`` and ``merges.txt``, which ``CLIPTokenizer`` reads.

    Args:
        folder: an existing folder.
        merges: as from `learn_merges`.
    """
    symbols = _byte_symbols()
    vocabulary = [*symbols, *(f"{symbol}</w>" for symbol in symbols), *("".join(pair) for pair in merges)]
    vocabulary = [*dict.fromkeys(vocabulary), "<|startoftext|>", "<|endoftext|>"]
    table = {token: index for index, token in enumerate(vocabulary)}
    (folder / "vocab.json").write_text(json.dumps(table, ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _merged(symbols: list[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    for symbol in symbols:
        if merged and (merged[-1], symbol) == pair:
            merged[-1] += symbol
        else:
            merged.append(symbol)
    return merged


def _byte_symbols() -> list[str]:
    """List the printable characters that stand for the 256 bytes, as in GPT-2's and CLIP's tokenizers."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(others))]
