"""Configurations: none may name a file elsewhere, or code on the Hub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from signdiff_core.trust.error import ModelFolderError
from signdiff_core.trust.files import is_plain, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FILES: Final = frozenset(
    {"fast_tokenizer_files", "merges_file", "tokenizer_file", "transformers_weights", "vocab_file"}
)
"""What transformers opens where a configuration says. Not among them: names of origin such as ``_name_or_path``."""

_KERNEL: Final = "_implementation"
"""In keys under which transformers takes ``owner/name`` for a kernel, which it downloads from the Hub and runs."""


def check_config(path: Path) -> None:
    """Make sure that a configuration leads to nothing outside its folder.

    Raises:
        ModelFolderError: it does, or is no JSON object of bounded size.
        OSError: it cannot be read.
    """
    for key, text in _texts(read_json(path)):
        if key in _FILES and not is_plain(text):
            raise ModelFolderError(f"{path} must name files of its own folder, but has {text!r} as {key}.")
        if _KERNEL in key and "/" in text:
            raise ModelFolderError(f"{path} must name what transformers brings as {key}, but names {text!r}.")


def _texts(content: Any) -> Iterator[tuple[str, str]]:
    """Give every string with the key that it belongs to: the innermost, or one further out that is looked for."""
    left: list[tuple[str, Any]] = [("", content)]
    while left:
        key, value = left.pop()
        if isinstance(value, str):
            yield key, value
        elif isinstance(value, list):
            left += [(key, one) for one in value]
        elif isinstance(value, dict):
            fixed = key in _FILES or _KERNEL in key
            left += [(key if fixed else name, one) for name, one in value.items()]
