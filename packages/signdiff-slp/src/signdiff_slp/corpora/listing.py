"""Find the clips of a folder, what they say, and the split that each belongs to."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from signdiff_core.formats.files import iter_lines
from signdiff_slp.corpora.writer import SPLITS

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_TEXT: Final = 1 << 20
"""Largest file of one clip's text that is read, in bytes."""

_TEXTS: Final = (".txt", ".tsv")


@dataclass(frozen=True, kw_only=True)
class Source:
    """One clip to import.

    Attributes:
        name: its path in the folder, without suffix.
        text: what it says.
        paths: the files, and folders of OpenPose JSON, of this name; a clip has one that is a pose.
        split: train, dev or test; empty if nothing tells.
    """

    name: str
    text: str
    paths: tuple[Path, ...]
    split: str = ""


def list_table(folder: Path, table: Path) -> list[Source]:
    """List the clips of a table.

    Args:
        folder: with the poses, in folders below it, too.
        table: lines of name, text and, if wanted, split, divided by tabs, without a header. Names are paths in
            ``folder``, with or without the suffix of the file.

    Raises:
        FileNotFoundError: there is no such folder or table.
        ValueError: the table is empty, a line is broken or not in UTF-8, or some lines have a split and others none.
    """
    check_table(table)
    found = _index(folder)
    sources = []
    for number, line in enumerate(iter_lines(table), start=1):
        columns = line.split("\t")
        if len(columns) not in (2, 3) or not columns[0].strip():
            shown = f"{columns!r:.200}"
            raise ValueError(f"{table}:{number} must hold a name, a text and maybe a split, but holds {shown}.")
        split = columns[2] if len(columns) == 3 else ""
        if len(columns) == 3 and split not in SPLITS:
            raise ValueError(f"{table}:{number} must name the split {' or '.join(SPLITS)}, but names {split!r:.100}.")
        name = columns[0].strip()
        key = name if name in found or not Path(name).name else str(Path(name).with_suffix(""))
        paths = tuple(path for path in found.get(key, ()) if path.suffix.lower() not in _TEXTS)
        sources.append(Source(name=name, text=columns[1], paths=paths, split=split))
    if not sources:
        raise ValueError(f"{table} must hold a line for each clip, but is empty.")
    if len({bool(source.split) for source in sources}) > 1:
        raise ValueError(f"{table} must name a split in every line or in none, but names one in some.")
    return sources


def check_table(path: Path) -> None:
    """Make sure that there is a table, before it is opened.

    Raises:
        FileNotFoundError: there is none of the name, or it is a folder.
    """
    if path.is_dir() or not path.exists():
        found = "is a folder" if path.is_dir() else "does not exist"
        raise FileNotFoundError(f"table must be a file of names and texts, but {path} {found}.")


def list_beside(folder: Path) -> list[Source]:
    """List the clips of a folder with their texts in ``NAME.txt`` beside them; the text of a clip without is empty.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it holds no pose, or a text is not in UTF-8, or larger than `MAX_TEXT`.
    """
    sources = []
    for name, paths in sorted(_index(folder).items()):
        texts = [path for path in paths if path.suffix.lower() == ".txt"]
        poses = tuple(path for path in paths if path.suffix.lower() not in _TEXTS)
        if poses:
            text = " ".join(_read_text(texts[0]).split()) if texts else ""
            sources.append(Source(name=name, text=text, paths=poses))
    if not sources:
        raise ValueError(f"folder must hold poses with their texts beside them, but {folder} holds none.")
    return sources


def divide(sources: Sequence[Source], fractions: tuple[float, float, float], *, seed: int = 0) -> list[Source]:
    """Give every clip a split. Clips that say the same come to the same split.

    Args:
        sources: the clips.
        fractions: shares of the texts in train, dev and test; they sum to 1.
        seed: draws who goes where.

    Raises:
        ValueError: ``fractions`` are negative or do not sum to 1.
    """
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
        raise ValueError(f"fractions must be at least 0 and sum to 1, but are {fractions}.")
    texts = sorted({source.text for source in sources})
    order = np.random.default_rng(seed).permutation(len(texts))
    borders = np.round(np.cumsum(fractions) * len(texts)).astype(int)
    split_of = {}
    for split, start, end in zip(SPLITS, (0, *borders[:-1]), borders, strict=True):
        split_of.update({texts[place]: split for place in order[start:end]})
    return [replace(source, split=split_of[source.text]) for source in sources]


def _index(folder: Path) -> dict[str, list[Path]]:
    """All files and all folders below ``folder`` but hidden ones, by their path in it without the suffix."""
    if not folder.is_dir():
        wrong = "is a file" if folder.exists() else "does not exist"
        raise FileNotFoundError(f"folder must be one of poses, but {folder} {wrong}.")
    found: dict[str, list[Path]] = {}
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        # Frames of an OpenPose clip are no clips of their own.
        files = [file for file in files if not file.endswith("_keypoints.json") and not file.startswith(".")]
        if Path(root) != folder and not files and not folders:
            name = Path(root).relative_to(folder).as_posix()
            found.setdefault(name, []).append(Path(root))
        for file in sorted(files):
            path = Path(root, file)
            found.setdefault(path.relative_to(folder).with_suffix("").as_posix(), []).append(path)
    return found


def _read_text(path: Path) -> str:
    size = path.stat().st_size
    if size > MAX_TEXT:
        raise ValueError(f"{path} must be at most {MAX_TEXT} bytes, but is {size}.")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}:{line} must be text in UTF-8, but holds the byte 0x{error.object[error.start]:02x}."
        ) from error
