"""Tables of captions, one a clip."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

from signdiff_core.formats import FormatError
from signdiff_core.formats.files import MARK, check_clip

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_NAMES: Final = ("name", "id", "SENTENCE_NAME")
_TEXTS: Final = ("text", "caption", "prompt", "SENTENCE")


def read_captions(path: Path) -> dict[str, str]:
    """Read the captions of clips.

    Args:
        path: a table in UTF-8, divided by commas or tabs, whose header names a column of clips (``name``, ``id``, or
            How2Sign's ``SENTENCE_NAME``) and one of captions (``text``, ``caption``, ``prompt``, or ``SENTENCE``).

    Returns:
        Captions by the name of the clip, without spaces around them.

    Raises:
        FileNotFoundError: there is no file.
        FormatError: it is no such table, or names a clip twice.
    """
    with path.open(encoding="utf-8-sig", newline="") as lines:
        try:
            first = lines.readline(1 << 16)
            lines.seek(0)
            rows = csv.reader(lines, delimiter="\t" if "\t" in first else ",")
            header = next(rows, [])
            name, text = _column(header, _NAMES, path), _column(header, _TEXTS, path)
            captions: dict[str, str] = {}
            for row in rows:
                place = f"line {rows.line_num}"
                if not row:
                    continue
                if len(row) != len(header):
                    raise FormatError(path, f"expected {len(header)} columns, but found {len(row)}.", place=place)
                check_clip(row[name], path, place)
                if row[name] in captions:
                    raise FormatError(path, f"expected a clip once, but {row[name]} comes again.", place=place)
                captions[row[name]] = " ".join(row[text].split()).strip(MARK)
        except (csv.Error, UnicodeDecodeError) as error:
            raise FormatError(path, f"expected a table in UTF-8, but {error}.") from error
    return captions


def _column(header: Sequence[str], names: Sequence[str], path: Path) -> int:
    for name in names:
        if name in header:
            return header.index(name)
    raise FormatError(path, f"expected a column {' or '.join(names)}, but found {', '.join(header)}.", place="line 1")
