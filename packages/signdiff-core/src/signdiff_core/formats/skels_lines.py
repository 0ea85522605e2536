"""Lines of ``.skels`` as numbers, and the names beside them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

from signdiff_core.formats.bounds import LARGEST, outside
from signdiff_core.formats.errors import FormatError
from signdiff_core.formats.lines import read_lines
from signdiff_core.formats.skels_evidence import counter_tolerance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

MAX_LINE: Final = 2**27
"""Longest line that is read, in bytes."""

MAX_FRAMES: Final = 120_000
"""Most frames of a sequence: more than a line of usual numbers holds."""

VALUES: Final = 151
"""Numbers of a frame: 50 joints of (x, y, z), and the counter."""

_AT_ONCE: Final = 1 << 20
_SPACE: Final = re.compile(rb"\s")


def names_beside(path: Path) -> list[str] | None:
    """Read the names of a file's sequences, if there is a ``.files`` beside it."""
    beside = path.with_suffix(".files")
    return read_lines(beside) if beside.is_file() else None


def lines_of(path: Path) -> Iterator[tuple[str, bytes]]:
    """Read a file line by line, each with its place.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: a line is longer than `MAX_LINE`.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a .skels file, but there is no such file.")
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise FormatError(path, f"expected at most {MAX_LINE} bytes in a line.", place=f"line {number}")
            yield f"line {number}", line


def parse(path: Path, place: str, line: bytes) -> tuple[NDArray[np.float64], float]:
    """Turn a line into numbers.

    Args:
        path: the file, for the error.
        place: the line, for the error.
        line: the line.

    Returns:
        Frames (T, 151), and how far the counter may be off by its decimals.

    Raises:
        FormatError: these are no numbers, no whole frames, too many, or numbers that no coordinate can be.
    """
    parts, counters, count = [], [], 0
    for tokens in _tokens(line):
        try:
            parts.append(np.array(tokens, dtype=np.float64))
        except ValueError as error:
            raise FormatError(path, f"expected numbers, but {error!s:.120}.", place=place) from error
        counters.append(counter_tolerance(tokens[(VALUES - 1 - count) % VALUES :: VALUES]))
        count += len(tokens)
        if count > MAX_FRAMES * VALUES:
            raise FormatError(path, f"expected at most {MAX_FRAMES} frames, but there are more.", place=place)
    if not count or count % VALUES:
        raise FormatError(path, f"expected frames of {VALUES} numbers, but found {count} numbers.", place=place)
    frames = np.concatenate(parts).reshape(-1, VALUES)
    if (found := outside(frames)) is not None:
        frame, value = found
        what = "the counter" if value == VALUES - 1 else f"{'xyz'[value % 3]} of joint {value // 3}"
        raise FormatError(
            path,
            f"expected finite numbers up to {LARGEST}, but {what} is {frames[found]:g}.",
            place=f"{place}, frame {frame}",
        )
    return frames, min(counters)


def _tokens(line: bytes) -> Iterator[list[bytes]]:
    """The words of a line, some at a time: as bytes objects they take many times the room of the line."""
    start = 0
    while start < len(line):
        found = _SPACE.search(line, start + _AT_ONCE)
        end = found.start() if found else len(line)
        if tokens := line[start:end].split():
            yield tokens
        start = end
