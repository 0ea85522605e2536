"""Reading the files of tokenizers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

MAX_JSON: Final = 1 << 24
"""Largest JSON file that is read, in bytes: of a million words."""


@contextmanager
def told_with(path: Path) -> Iterator[None]:
    """Tell errors of a file's content with the file's name.

    Raises:
        ValueError: what is done raises one.
    """
    try:
        yield
    except ValueError as ex:
        if str(path) in str(ex):
            raise
        raise ValueError(f"{path} must hold a tokenizer, but {str(ex).rstrip('.')}.") from ex


def check_size(path: Path, most: int) -> None:
    """Refuse a file that is too large.

    Raises:
        ValueError: the file has more than ``most`` bytes.
    """
    size = path.stat().st_size
    if size > most:
        raise ValueError(f"{path} must be at most {most} bytes, but is {size}.")


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ValueError: the file is larger than 16 MB, is no JSON in UTF-8, or holds something else.
    """
    check_size(path, MAX_JSON)
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except RecursionError as ex:
        raise ValueError(f"{path} must be JSON, but is nested too deep.") from ex
    except ValueError as ex:
        raise ValueError(f"{path} must be JSON, but is not: {ex}.") from ex
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object, but holds a {type(content).__name__}.")
    return content


def read_lists(path: Path, required: str, *optional: str) -> list[list[str]]:
    """Read lists of strings out of a JSON object.

    Args:
        path: the file.
        required: the key of the first list.
        optional: keys of further lists; those that are absent are empty.

    Raises:
        ValueError: the file is not JSON, or a key holds something else.
    """
    content = read_object(path)
    lists = []
    for key in (required, *optional):
        entries = content.get(key, None if key == required else [])
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            raise ValueError(f"{path} must hold a list of strings under {key!r}, but does not.")
        if any("\ud800" <= character <= "\udfff" for entry in entries for character in entry):
            raise ValueError(f"{path} must hold whole characters under {key!r}, but holds halves of some.")
        lists.append(entries)
    return lists
