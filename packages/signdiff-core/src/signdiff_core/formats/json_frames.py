"""Folders of JSON with one file a frame."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from signdiff_core.formats.errors import FormatError

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES: Final = 1 << 22
"""Largest file of a frame that is read; a person takes 6,000 to 20,000 bytes."""

MAX_FRAMES: Final = 1_000_000
"""Most frames that are read, unless a reader allows fewer."""

_MOST_SHOWN: Final = 40

_NUMBER: Final = re.compile(r"(\d+)(?:_keypoints)?\.json$")


def frames_of(folder: Path, pattern: str = "*.json", *, most: int = MAX_FRAMES) -> list[Path]:
    """List the files of a clip in the order of their frames.

    Args:
        folder: with files named ``...NUMBER.json`` or ``...NUMBER_keypoints.json``, numbered without gaps from any
            number.
        pattern: which of its files are frames; hidden ones, whose names start with a dot, are none.
        most: how many there may be.

    Raises:
        FileNotFoundError: there is no such folder.
        FormatError: there is no file, or there are too many, or a frame is missing or there twice.
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
    """Read a file of JSON.

    Raises:
        FormatError: the file is larger than `MAX_BYTES`, or is not JSON.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise FormatError(path, f"expected at most {MAX_BYTES} bytes, but the file has {size}.")
    try:
        return json.loads(path.read_bytes())
    except json.JSONDecodeError as error:
        raise FormatError(path, f"expected JSON, but {error.msg}.", place=f"byte {error.pos}") from error
    except RecursionError as error:
        raise FormatError(path, "expected JSON, but it is nested too deep.") from error
    except ValueError as error:  # bytes that are no text, and integers of thousands of digits
        raise FormatError(path, f"expected JSON, but {error}.") from error


def load_object(path: Path) -> dict[str, Any]:
    """Read the object in a file of JSON.

    Raises:
        FormatError: the file is larger than `MAX_BYTES`, is not JSON, or holds something else.
    """
    content = load_json(path)
    if not isinstance(content, dict):
        raise FormatError(path, f"expected an object, but found {type(content).__name__}.")
    return content


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
