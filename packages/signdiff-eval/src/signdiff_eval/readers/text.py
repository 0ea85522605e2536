"""Text files with one sentence a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES: Final = 2**28
"""Largest text file that is read."""


def read_text(path: Path, *, max_bytes: int = MAX_BYTES) -> str:
    """Read a UTF-8 file; a byte order mark is no part of its text.

    Args:
        path: the file.
        max_bytes: the largest that is read.

    Raises:
        ValueError: a larger file, or one in another encoding; the message names the file and the line.
    """
    size = path.stat().st_size
    if size > max_bytes:
        raise ValueError(f"{path} must have at most {max_bytes} bytes, but has {size}.")
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}:{line} must be UTF-8, but isn't at byte {error.start} (0x{data[error.start]:02x})."
        ) from error


def read_lines(path: Path) -> list[str]:
    """Read the sentences of a UTF-8 file; an empty line is an empty sentence.

    Raises:
        ValueError: no line, or as for `read_text`.
    """
    # Not splitlines(): sentences may hold rarer marks that it takes for ends of lines.
    lines = lines_of(read_text(path))
    if not lines:
        raise ValueError(f"{path} must hold at least one line, but holds none.")
    return lines


def read_as_many(path: Path, reference: Path, count: int) -> list[str]:
    """Read sentences that belong to those of another file, line by line.

    Args:
        path: the file.
        reference: the other one, for the message.
        count: how many lines that has.

    Raises:
        ValueError: another number of lines, or as for `read_lines`.
    """
    lines = read_lines(path)
    if len(lines) != count:
        raise ValueError(f"{path} must have as many lines as {reference}, {count}, but has {len(lines)}.")
    return lines


def lines_of(text: str) -> list[str]:
    """Take a text apart at its line feeds, with or without carriage returns before them."""
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []
