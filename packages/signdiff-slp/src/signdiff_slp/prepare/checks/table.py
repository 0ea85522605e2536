"""Tables of sentences: How2Sign's, which tell times, and those of names and texts alone."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from signdiff_core.formats.files import MARK, FormatError, check_clip, read_lines

_TIMES: Final = (("START_REALIGNED", "END_REALIGNED"), ("START", "END"))
_LATEST: Final = 1e7
"""What no time in a video is above, in seconds."""

_NAMES: Final = ("VIDEO_NAME", "SENTENCE_NAME", "SENTENCE")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentence:
    """A line of a table: the clip's name, its text (stripped), and ``place``, the file and line.

    ``video`` names the whole video, and ``start`` and ``end`` are seconds in it; empty and NaN if the table tells none.
    """

    name: str
    video: str
    start: float
    end: float
    text: str
    place: str

    @property
    def seconds(self) -> float | None:
        """How long the clip lasts as the table says; ``None`` if it says nothing."""
        return None if math.isnan(self.end - self.start) else self.end - self.start


def read_table(path: Path) -> Iterator[Sentence]:
    """Read a table of How2Sign, or one of names and texts, line by line.

    How2Sign's are divided by tabs, and their header names VIDEO_NAME, SENTENCE_NAME, SENTENCE and START_REALIGNED and
    END_REALIGNED, or START and END; other columns are left. Quotes are those of CSV. Others are divided by commas, with
    a header that names ``id`` and ``text``; or by tabs, without a header: names and texts; or are texts in a file
    ``.text``, with a ``.files`` of names beside it. A ``FormatError`` says if it is none of these, or a line is broken.
    """
    return _how2sign(path) if is_how2sign(path) else _names_and_texts(path)


def is_how2sign(path: Path) -> bool:
    """Tell whether a table has How2Sign's header: one of its columns, divided by tabs."""
    check_table(path)
    with path.open(encoding="utf-8-sig", errors="replace") as lines:
        header = lines.readline(1 << 16).rstrip("\r\n").split("\t")
    return bool({"SENTENCE_NAME", "VIDEO_NAME", "SENTENCE"} & set(header))


def check_table(path: Path) -> None:
    """Make sure that there is a table, before it is opened; else a ``FileNotFoundError`` says what there is."""
    if path.is_dir() or not path.exists():
        found = "is a folder" if path.is_dir() else "does not exist"
        raise FileNotFoundError(f"table must be a file of names and texts, but {path} {found}.")


def _names_and_texts(path: Path) -> Iterator[Sentence]:
    for number, name, text in _rows(path):
        place = f"{path}, line {number}"
        if not name.strip():
            raise FormatError(path, "expected a name, but it is empty.", place=f"line {number}")
        check_clip(name, path, f"line {number}")
        text = text.strip().strip(MARK)
        yield Sentence(name=name, video="", start=math.nan, end=math.nan, text=text, place=place)


def _rows(path: Path) -> Iterator[tuple[int, str, str]]:
    """Give number of line, name and text."""
    lines = read_lines(path)
    if not lines:
        raise FormatError(path, "expected a table, but it is empty.")
    if path.suffix == ".text":
        check_table(path.with_suffix(".files"))
        names = read_lines(path.with_suffix(".files"))
        if len(names) != len(lines):
            raise FormatError(path, f"expected as many lines as in its .files, {len(names)}, but found {len(lines)}.")
        yield from ((number, name, text) for number, (name, text) in enumerate(zip(names, lines, strict=True), start=1))
        return
    try:
        header = next(csv.reader(lines[:1]), [])
    except csv.Error as error:
        raise FormatError(path, f"expected a table, but {error}.", place="line 1") from error
    if {"id", "text"} <= set(header):
        columns = header.index("id"), header.index("text")
        rows = csv.reader(line + "\n" for line in lines[1:])
        try:
            for row in rows:
                if not row:
                    continue
                place = f"line {rows.line_num + 1}"
                if len(row) != len(header):
                    raise FormatError(path, f"expected {len(header)} columns, but found {len(row)}.", place=place)
                yield rows.line_num + 1, row[columns[0]], row[columns[1]]
        except csv.Error as error:
            raise FormatError(path, f"expected a table, but {error}.", place=f"line {rows.line_num + 1}") from error
        return
    for number, line in enumerate(lines, start=1):
        columns_here = line.split("\t")
        if len(columns_here) != 2:
            raise FormatError(
                path,
                "expected a name and a text, divided by a tab; or a header that names id and text, divided by commas; "
                f"or How2Sign's; but found {len(columns_here)} columns.",
                place=f"line {number}",
            )
        yield number, columns_here[0], columns_here[1]


def _how2sign(path: Path) -> Iterator[Sentence]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.reader(lines, delimiter="\t")
        try:
            header = next(rows, [])
            columns = _columns(header, path)
            for row in rows:
                if row:
                    yield _sentence(row, len(header), columns, path, rows.line_num)
        except (csv.Error, UnicodeDecodeError) as error:
            raise FormatError(
                path, f"expected a table in UTF-8, but {error}.", place=f"line {rows.line_num}"
            ) from error


def _columns(header: Sequence[str], path: Path) -> list[int]:
    times = next((pair for pair in _TIMES if set(pair) <= set(header)), _TIMES[0])
    wanted = (*_NAMES, *times)
    missing = [name for name in wanted if name not in header]
    if missing:
        expected = f"expected columns divided by tabs: {', '.join(wanted)}, but there is no {', '.join(missing)}."
        raise FormatError(path, expected, place="line 1")
    return [header.index(name) for name in wanted]


def _sentence(row: list[str], count: int, columns: list[int], path: Path, line: int) -> Sentence:
    place = f"line {line}"
    if len(row) != count:
        raise FormatError(path, f"expected {count} columns, but found {len(row)}.", place=place)
    if any("\n" in cell for cell in row):
        raise FormatError(path, "expected one line a sentence, but a quote is not closed.", place=place)
    video, name, text, *times = (row[column].strip() for column in columns)
    if not name:
        raise FormatError(path, "expected a name in SENTENCE_NAME, but it is empty.", place=place)
    try:
        start, end = map(float, times)
    except ValueError:
        start = end = math.nan
    if not (abs(start) < _LATEST and abs(end) < _LATEST):
        raise FormatError(path, f"expected times in seconds, but found {' and '.join(times)}.", place=place)
    return Sentence(name=name, video=video, start=start, end=end, text=text, place=f"{path}, {place}")
