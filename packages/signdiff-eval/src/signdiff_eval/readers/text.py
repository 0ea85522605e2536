"""Text files with one sentence a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES: Final = 2**28
"""Largest text file that is read."""


def read_lines(path: Path) -> list[str]:
    """Read the sentences of a UTF-8 file; an empty line is an empty sentence.

    Raises:
        ValueError: no line, too large a file, or not UTF-8.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"{path.name} must have at most {MAX_BYTES} bytes, but has {size}.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} must be UTF-8, but isn't at byte {error.start}.") from error
    # Not splitlines(): sentences may hold rarer marks that it takes for ends of lines.
    lines = text.removesuffix("\n").split("\n") if text else []
    if not lines:
        raise ValueError(f"{path.name} must hold at least one line, but holds none.")
    return [line.rstrip("\r") for line in lines]
