"""What sequences say: a text for each of their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signdiff_eval.readers.slrtp import read_slrtp_texts
from signdiff_eval.readers.text import lines_of, read_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def read_texts(path: Path, names: Sequence[str]) -> list[str]:
    """Read the texts of sequences.

    Args:
        path: UTF-8 lines ``name<TAB>text`` in any order, or one text a line in the order of ``names``; or a ``.pt``
            file of the SLRTP 2025 challenge.
        names: of the sequences.

    Returns:
        A text for each name, with single spaces between words.

    Raises:
        ValueError: a text is missing or empty, there is another number of lines, or the file is too large or not UTF-8.
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
