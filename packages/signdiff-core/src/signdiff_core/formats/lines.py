"""Lines of text: names, sentences, tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from signdiff_core.formats.errors import FormatError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

MAX_LINE: Final = 1 << 20
"""Longest line that is read, in bytes."""

MARK: Final = "\ufeff"
"""The byte order mark, which is no part of a text."""


def iter_lines(path: str | os.PathLike[str], *, longest: int = MAX_LINE) -> Iterator[str]:
    r"""Read the lines of a text in UTF-8 one by one.

    Args:
        path: the file. A byte order mark at its start is no part of the first line.
        longest: most bytes of a line.

    Yields:
        The lines without what ends them: ``\n`` or ``\r\n``.

    Raises:
        FormatError: a line is too long, or not UTF-8; the message names it.
        OSError: the file cannot be read.
    """
    with Path(path).open("rb") as file:
        number = 0
        while line := file.readline(longest + 1):
            number += 1
            if len(line) > longest:
                raise FormatError(path, f"expected at most {longest} bytes in a line.", place=f"line {number}")
            if number == 1:
                line = line.removeprefix(MARK.encode())
            try:
                yield line.removesuffix(b"\n").removesuffix(b"\r").decode()
            except UnicodeDecodeError as error:
                wrong = f"expected text in UTF-8, but byte {error.start + 1} is 0x{line[error.start]:02x}."
                raise FormatError(path, wrong, place=f"line {number}") from error


def read_lines(path: str | os.PathLike[str]) -> list[str]:
    """Read all lines, as `iter_lines` gives them."""
    return list(iter_lines(path))


def check_clip(name: str, path: str | os.PathLike[str], place: str) -> None:
    """Make sure that a cell of a table can be the name of a clip.

    Raises:
        FormatError: it is empty, or holds a NUL or a byte order mark; the message names file and place.
    """
    if not name.strip() or "\0" in name or MARK in name:
        raise FormatError(path, f"expected the name of a clip, but found {name!r:.100}.", place=place)
