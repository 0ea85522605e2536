"""Files of others, read with care: errors that name the place, lines of text, JSON with one file a frame."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

MAX_LINE: Final = 1 << 20
"""Longest line of a text that is read, in bytes."""

MARK: Final = "\ufeff"
"""The byte order mark, which is no part of a text."""

MAX_JSON: Final = 1 << 22
"""Largest file of JSON that is read, in bytes; a frame of one person takes 6,000 to 20,000."""

MAX_FRAMES: Final = 1_000_000
"""Most frames that are read from a folder, unless a reader allows fewer."""

_MOST_SHOWN: Final = 40
_NUMBER: Final = re.compile(r"(\d+)(?:_keypoints)?\.json$")


class FormatError(ValueError):
    """A file contradicts its format, or a pose does not fit the format.

    Args:
        path: the file.
        expected: what the format asks for and what came instead.
        place: where in the file; empty for the file as a whole.

    Example:
        >>> str(FormatError("a.skels", "expected numbers, but found 'x'.", place="line 3"))
        "a.skels, line 3: expected numbers, but found 'x'."
    """

    def __init__(self, path: str | os.PathLike[str], expected: str, *, place: str = "") -> None:
        super().__init__(f"{path}{f', {place}' if place else ''}: {expected}")


class FormatWarning(UserWarning):
    """Something in a file was left out on purpose; the message says what and how much."""


def numbered_lines(path: str | os.PathLike[str], *, longest: int = MAX_LINE) -> Iterator[tuple[str, bytes]]:
    """Read the lines of a file one by one as they are, each with its place, such as ``line 3``.

    Raises FormatError, which names the line, where one has more than `longest` bytes, OSError where the file cannot be
    read.
    """
    with Path(path).open("rb") as file:
        number = 0
        while line := file.readline(longest + 1):
            number += 1
            if len(line) > longest:
                raise FormatError(path, f"expected at most {longest} bytes in a line.", place=f"line {number}")
            yield f"line {number}", line


def iter_lines(path: str | os.PathLike[str], *, longest: int = MAX_LINE) -> Iterator[str]:
    r"""Read the lines of a text in UTF-8 one by one, without what ends them: ``\n`` or ``\r\n``.

    A byte order mark at its start is no part of the first line. Raises FormatError, which names the line, where one has
    more than `longest` bytes or is not UTF-8, OSError where the file cannot be read.
    """
    for place, line in numbered_lines(path, longest=longest):
        text = line.removeprefix(MARK.encode()) if place == "line 1" else line
        try:
            yield text.removesuffix(b"\n").removesuffix(b"\r").decode()
        except UnicodeDecodeError as error:
            wrong = f"expected text in UTF-8, but byte {error.start + 1} is 0x{text[error.start]:02x}."
            raise FormatError(path, wrong, place=place) from error


def read_lines(path: str | os.PathLike[str]) -> list[str]:
    """Read all lines, as `iter_lines` gives them."""
    return list(iter_lines(path))


def check_clip(name: str, path: str | os.PathLike[str], place: str) -> None:
    """Make sure that a cell of a table can be the name of a clip.

    Raises FormatError, with file and place, where it is empty, or holds a NUL or a byte order mark.
    """
    if not name.strip() or "\0" in name or MARK in name:
        raise FormatError(path, f"expected the name of a clip, but found {name!r:.100}.", place=place)


def frames_of(folder: Path, pattern: str = "*.json", *, most: int = MAX_FRAMES) -> list[Path]:
    """List the JSON files of a clip, at most `most`, in the order of their frames.

    They are named ``...NUMBER.json`` or ``...NUMBER_keypoints.json``, without gaps from any number; hidden ones, whose
    names start with a dot, are no frames. Raises FileNotFoundError where there is no such folder, FormatError where
    there is no file, or there are too many, or a frame is missing or there twice.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: expected a folder of JSON, one file a frame, but there is no such folder.")
    numbered: dict[int, Path] = {}
    for file in sorted(file for file in folder.glob(pattern) if not file.name.startswith(".")):
        number = _NUMBER.search(file.name)
        if number is None:
            raise FormatError(file, "expected a frame's number at the end of the name.")
        other = numbered.setdefault(int(number.group(1)), file)
        if other is not file:
            raise FormatError(file, f"expected one file a frame, but {other.name} has the same number.")
    if not 0 < len(numbered) <= most:
        raise FormatError(folder, f"expected 1 to {most} files {pattern}, but found {len(numbered)}.")
    first, last = min(numbered), max(numbered)
    if last - first + 1 != len(numbered):
        missing = next(number for number in range(first, last) if number not in numbered)
        raise FormatError(folder, f"expected the frames {first} to {last}, but frame {missing} is missing.")
    return [numbered[number] for number in sorted(numbered)]


def load_json(path: Path) -> Any:
    """Read a file of JSON; FormatError where it is larger than `MAX_JSON`, or is not JSON."""
    size = path.stat().st_size
    if size > MAX_JSON:
        raise FormatError(path, f"expected at most {MAX_JSON} bytes, but the file has {size}.")
    try:
        return json.loads(path.read_bytes())
    except json.JSONDecodeError as error:
        raise FormatError(path, f"expected JSON, but {error.msg}.", place=f"byte {error.pos}") from error
    except RecursionError as error:
        raise FormatError(path, "expected JSON, but it is nested too deep.") from error
    except ValueError as error:  # bytes that are no text, and integers of thousands of digits
        raise FormatError(path, f"expected JSON, but {error}.") from error


def load_object(path: Path) -> dict[str, Any]:
    """Read the object in a file of JSON; FormatError as of `load_json`, or for anything else."""
    content = load_json(path)
    if not isinstance(content, dict):
        raise FormatError(path, f"expected an object, but found {type(content).__name__}.")
    return content


def is_absent(number: Any) -> bool:
    """Tell whether a value of JSON stands for a number that is not there: null or NaN.

    Example:
        >>> is_absent(None), is_absent(float("nan")), is_absent(0)
        (True, True, False)
    """
    return number is None or (type(number) is float and number != number)


def shown(value: Any) -> str:
    """Show a value of JSON in an error, as JSON has it, however long.

    Example:
        >>> shown(None), shown(float("nan")), shown(10**5000)
        ('null', 'NaN', 'something too large to show')
    """
    try:
        text = json.dumps(value)
    except (ValueError, RecursionError):
        return "something too large to show"
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
