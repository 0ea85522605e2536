"""Reading the files of tokenizers."""

from __future__ import annotations

import json
from pathlib import Path


def check_size(path: Path, most: int) -> None:
    """Refuse a file that is too large.

    Raises:
        ValueError: the file has more than ``most`` bytes.
    """
    size = path.stat().st_size
    if size > most:
        raise ValueError(f"{path} must be at most {most} bytes, but is {size}.")


def read_lists(path: Path, required: str, *optional: str) -> list[list[str]]:
    """Read lists of strings out of a JSON object.

    Args:
        path: the file.
        required: the key of the first list.
        optional: keys of further lists; those that are absent are empty.

    Raises:
        ValueError: the file is not JSON, or a key holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as ex:
        raise ValueError(f"{path} must be JSON, but is not: {ex}.") from ex
    lists = []
    for key in (required, *optional):
        entries = content.get(key, None if key == required else []) if isinstance(content, dict) else None
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            raise ValueError(f"{path} must hold a list of strings under {key!r}, but does not.")
        lists.append(entries)
    return lists
