"""Make the vocabulary of a corpus from the texts that it trains with."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Literal, get_args

from signdiff_core.atomic import check_writable, replacing
from signdiff_core.formats.files import iter_lines
from signdiff_slp.text import split_tag

Kind = Literal["word", "gloss", "character", "sentencepiece"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

PIECES: Final = 1000
"""Tokens of a SentencePiece model, if no size is given."""

_SPECIAL: Final = ("<unk>", "<pad>", "<s>", "</s>")


def build_vocabulary(
    corpus: Path,
    output: Path,
    kind: Kind,
    *,
    size: int | None = None,
    min_count: int = 1,
    lowercase: bool | None = None,
    split: str = "train",
) -> int:
    """Write the vocabulary file of a tokenizer, and tell how many tokens it has.

    Words, glosses and characters come the most frequent first, those of equal counts in alphabetical order. A tag that
    texts start with is a token of its own in a vocabulary of characters. The file is JSON for characters; JSON or, if
    its suffix is not ``.json``, one word a line for words and glosses; a model for SentencePiece.

    There are at most ``size`` tokens, the four special ones included; for SentencePiece just as many, `PIECES` if not
    given. What is rarer than ``min_count`` gets none. If ``lowercase``, texts are counted in lower case; if it is not
    given, only for characters, as their tokenizer does. Raises a ``FileNotFoundError`` if the corpus has no such split,
    a ``ValueError`` if it has no texts or is broken, an option does not fit, or nothing gets a token.
    """
    if size is not None and size <= len(_SPECIAL):
        raise ValueError(f"size must be above {len(_SPECIAL)}, the special tokens, but is {size}.")
    if min_count < 1:
        raise ValueError(f"min_count must be at least 1, but is {min_count}.")
    check_writable(output)
    texts = read_texts(corpus, split)
    lowercase = kind == "character" if lowercase is None else lowercase
    if lowercase and kind != "sentencepiece":
        texts = (text.lower() for text in texts)
    if kind == "sentencepiece":
        if min_count != 1:
            raise ValueError(f"min_count must be 1 for SentencePiece, which counts for itself, but is {min_count}.")
        content, number = _train(texts, size or PIECES, lowercase=lowercase)
    elif kind == "character":
        content, number = _characters(texts, size, min_count)
    else:
        counts = Counter(word for text in texts for word in text.split())
        for special in _SPECIAL:
            del counts[special]
        _check_any(counts, min_count, kind)
        words = most_frequent(counts, size, min_count)
        plain = output.suffix.lower() != ".json"
        content = "".join(f"{word}\n" for word in (*_SPECIAL, *words)).encode() if plain else _json({"words": words})
        number = len(_SPECIAL) + len(words)
    with replacing(output) as temporary:
        temporary.write_bytes(content)
    return number


def read_texts(corpus: Path, split: str) -> Iterator[str]:
    """Read the texts of a split, one after another; errors as of `build_vocabulary`."""
    table = corpus / f"{split}.tsv"
    if not table.is_file():
        raise FileNotFoundError(f"corpus must hold {split}.tsv, but {corpus} does not.")
    number = 0
    for number, line in enumerate(iter_lines(table), start=1):
        columns = line.split("\t")
        if len(columns) != 4:
            raise ValueError(f"{table}:{number} must have 4 columns, but has {len(columns)}.")
        yield columns[3]
    if not number:
        raise ValueError(f"{table} must hold at least one text, but is empty.")


def most_frequent(counts: Counter[str], size: int | None, min_count: int) -> list[str]:
    """Choose what gets a token: most ``size`` with the four special ones, none rarer than ``min_count``.

    >>> most_frequent(Counter("banana"), None, 1)
    ['a', 'n', 'b']
    """
    chosen = sorted((symbol for symbol, count in counts.items() if count >= min_count), key=lambda s: (-counts[s], s))
    return chosen if size is None else chosen[: size - len(_SPECIAL)]


def _characters(texts: Iterable[str], size: int | None, min_count: int) -> tuple[bytes, int]:
    counts: Counter[str] = Counter()
    tags: dict[str, set[str]] = {}
    for text in texts:
        tag, rest = split_tag(text)
        if tag:
            tags.setdefault(tag, set()).update(rest)
        counts.update(rest)
    if size is not None and size <= len(_SPECIAL) + len(tags):
        raise ValueError(f"size must be above {len(_SPECIAL) + len(tags)}, the special tokens and tags, but is {size}.")
    _check_any(counts, min_count, "character")
    characters = most_frequent(counts, None if size is None else size - len(tags), min_count)
    content = {"characters": characters}
    if tags:
        letters = {tag: "".join(sorted(tags[tag] & set(characters) - {" "})) for tag in sorted(tags)}
        content |= {"tags": list(letters), "alphabets": [f"{tag} {each}" for tag, each in letters.items()]}
    return _json(content), len(_SPECIAL) + len(characters) + len(tags)


def _check_any(counts: Counter[str], min_count: int, kind: str) -> None:
    """Make sure that something gets a token, for a model to learn it."""
    if not counts:
        raise ValueError(f"texts must hold a {kind}, but hold none.")
    [(most, count)] = counts.most_common(1)
    if count < min_count:
        raise ValueError(
            f"min_count must be at most {count}, the count of the most frequent {kind}, {most!r:.100}, but is "
            f"{min_count}."
        )


def _train(texts: Iterable[str], size: int, *, lowercase: bool) -> tuple[bytes, int]:
    import sentencepiece

    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=model,
            vocab_size=size,
            character_coverage=1.0,
            # The model itself puts texts in lower case, so that its file carries the setting.
            normalization_rule_name="nmt_nfkc_cf" if lowercase else "nmt_nfkc",
            pad_id=0,
            unk_id=1,
            bos_id=2,
            eos_id=3,
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise ValueError(_advice(str(error), size)) from error
    return model.getvalue(), size


def _advice(complaint: str, size: int) -> str:
    if few := re.search(r"smaller than required_chars\. \d+ vs (\d+)", complaint):
        return f"size must be at least {few[1]}, for each character of the texts gets a token, but is {size}."
    if many := re.search(r"set it to a value <= (\d+)", complaint):
        return f"size must be at most {many[1]}, as many pieces as the texts have, but is {size}."
    reason = complaint.rpartition("] ")[2] or complaint
    return f"size must suit the texts, but SentencePiece cannot make {size} tokens: {reason}"


def _json(content: dict[str, list[str]]) -> bytes:
    return (json.dumps(content, ensure_ascii=False) + "\n").encode()
