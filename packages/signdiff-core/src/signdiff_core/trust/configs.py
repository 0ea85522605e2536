"""Configurations: none may name a file elsewhere, another model, or code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from signdiff_core.trust.error import ModelFolderError
from signdiff_core.trust.files import is_plain, read_any_json, read_json
from signdiff_core.trust.followed import FILES, is_followed, strings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SHOWN = 80


def check_config(path: Path, *, trust_remote_code: bool = False) -> None:
    """Make sure that a JSON file of a model's folder leads to nothing outside it.

    Args:
        path: the file.
        trust_remote_code: let it name other models and code.

    Raises:
        ModelFolderError: it does, or is no JSON of bounded size, or a configuration is no object.
        OSError: it cannot be read.
    """
    content = read_json(path) if path.name.endswith("config.json") else read_any_json(path)
    check_content(path, content, trust_remote_code=trust_remote_code)


def check_content(place: object, content: Any, *, trust_remote_code: bool = False) -> None:
    """Make sure that JSON leads to nothing outside its folder, at any depth.

    Args:
        place: where it stands, for messages.
        content: what it says.
        trust_remote_code: let it name other models and code.

    Raises:
        ModelFolderError: it does.
    """
    for key, value in _entries(content):
        if key in FILES:
            outside = [text for text in strings(value) if not is_plain(text)]
            if outside:
                raise ModelFolderError(f"{place} must name files of its own folder, but has {outside[0]!r} as {key}.")
        if not trust_remote_code and is_followed(key, value):
            raise ModelFolderError(
                f"{place} must not name what is loaded from elsewhere, but has {_short(value)} as {key}; to allow it, "
                "set trust_remote_code=True."
            )


def _entries(content: Any) -> Iterator[tuple[str, Any]]:
    """Give every key of every object, at any depth, with its value."""
    left = [content]
    while left:
        one = left.pop()
        if isinstance(one, list):
            left += one
        elif isinstance(one, dict):
            yield from one.items()
            left += one.values()


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
