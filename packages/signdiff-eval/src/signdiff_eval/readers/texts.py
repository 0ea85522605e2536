"""Text files: sentences line by line, a text for each sequence, and JSON of anybody's making."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from signdiff_eval.readers.slrtp import read_slrtp_texts

MAX_BYTES: Final = 2**28
"""Largest text file that is read."""


def read_text(path: Path, *, max_bytes: int = MAX_BYTES) -> str:
    """Read a UTF-8 file without its byte order mark; a ValueError if larger, or of another encoding, names the line."""
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
    """Read sentences that belong to the ``count`` ones of a reference's file, line by line."""
    lines = read_lines(path)
    if len(lines) != count:
        raise ValueError(f"{path} must have as many lines as {reference}, {count}, but has {len(lines)}.")
    return lines


def lines_of(text: str) -> list[str]:
    """Take a text apart at its line feeds, with or without carriage returns before them."""
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []


def read_texts(path: Path, names: Sequence[str]) -> list[str]:
    """Read a text, with single spaces between words, for each of the sequences' names.

    The file has UTF-8 lines ``name<TAB>text`` in any order, or one text a line in the order of ``names``; or is a
    ``.pt`` file of the SLRTP 2025 challenge. A ValueError if a text is missing or empty, there is another number of
    lines, or the file is too large or not UTF-8.
    """
    if path.suffix == ".pt":
        lines = [f"{name}\t{' '.join(text.split())}" for name, text in read_slrtp_texts(path).items()]
    else:
        lines = lines_of(read_text(path))
    if any("\t" in line for line in lines):
        named = dict(line.split("\t", 1) for line in lines if "\t" in line)
        missing = [name for name in names if name not in named]
        if missing:
            raise ValueError(f"{path} must hold a text for each pose, but lacks that of {missing[0]}.")
        lines = [named[name] for name in names]
    if len(lines) != len(names):
        raise ValueError(f"{path} must have a line for each of {len(names)} poses, but has {len(lines)}.")
    empty = [name for name, line in zip(names, lines, strict=True) if not line.strip()]
    if empty:
        raise ValueError(f"{path} must hold a text for each pose, but that of {empty[0]} is empty.")
    return [" ".join(line.split()) for line in lines]


def read_json(path: Path, *, what: str, max_bytes: int) -> Any:
    """Read a JSON file; ``what`` says in messages what it must be, such as ``a JSON report``.

    A ValueError names a file that is too large, of another encoding, no JSON, or nested too deep.
    """
    text = read_text(path, max_bytes=max_bytes)
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError(f"{path} must be {what}, but is nested too deep.") from error
    except ValueError as error:
        raise ValueError(f"{path} must be {what}, but can't be read: {error}") from error
