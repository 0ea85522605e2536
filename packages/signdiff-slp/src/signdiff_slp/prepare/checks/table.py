"""Tables of sentences as How2Sign distributes them."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from signdiff_core.formats import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TIMES: Final = (("START_REALIGNED", "END_REALIGNED"), ("START", "END"))
_NAMES: Final = ("VIDEO_NAME", "SENTENCE_NAME", "SENTENCE")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentence:
    """A line of a table.

    Attributes:
        name: of the clip.
        video: name of the whole video.
        start: of the clip in the whole video, in seconds.
        end: likewise.
        text: what the clip says; stripped.
        place: file and line.
    """

    name: str
    video: str
    start: float
    end: float
    text: str
    place: str


def read_table(path: Path) -> Iterator[Sentence]:
    """Read a table line by line.

    Args:
        path: a file divided by tabs whose header names VIDEO_NAME, SENTENCE_NAME, SENTENCE and START_REALIGNED and
            END_REALIGNED, or START and END; other columns are left. Quotes are those of CSV.

    Raises:
        FormatError: the header lacks a column, or a line is broken.
    """
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
    if not (math.isfinite(start) and math.isfinite(end)):
        raise FormatError(path, f"expected times in seconds, but found {' and '.join(times)}.", place=place)
    return Sentence(name=name, video=video, start=start, end=end, text=text, place=f"{path}, {place}")
