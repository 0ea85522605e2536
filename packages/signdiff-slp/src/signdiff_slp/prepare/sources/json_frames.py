"""Folders of JSON with one file a frame."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from signdiff_core.formats import FormatError
from signdiff_slp.prepare.sources.detections import MAX_FRAMES

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MAX_BYTES: Final = 1 << 22
"""Largest file of a frame that is read; a person takes 6,000 to 20,000 bytes."""

_NUMBER: Final = re.compile(r"(\d+)(?:_keypoints)?\.json$")


def frames_of(folder: Path) -> list[Path]:
    """List the files of a clip in the order of their frames.

    Args:
        folder: with files named ``..._NUMBER_keypoints.json`` or ``...NUMBER.json``, numbered without gaps from any
            number.

    Raises:
        FormatError: there is no file, or there are more than `MAX_FRAMES`, or a frame is missing or there twice.
    """
    if not folder.is_dir():
        raise FormatError(folder, "expected a folder of JSON, one file a frame, but there is no such folder.")
    numbered: dict[int, Path] = {}
    for file in sorted(folder.glob("*.json")):
        number = _NUMBER.search(file.name)
        if number is None:
            raise FormatError(file, "expected a frame's number at the end of the name.")
        other = numbered.setdefault(int(number.group(1)), file)
        if other is not file:
            raise FormatError(file, f"expected one file a frame, but {other.name} has the same number.")
    if not 0 < len(numbered) <= MAX_FRAMES:
        raise FormatError(folder, f"expected 1 to {MAX_FRAMES} files of JSON, but found {len(numbered)}.")
    first, last = min(numbered), max(numbered)
    if last - first + 1 != len(numbered):
        missing = next(number for number in range(first, last) if number not in numbered)
        raise FormatError(folder, f"expected the frames {first} to {last}, but frame {missing} is missing.")
    return [numbered[number] for number in sorted(numbered)]


def load_object(path: Path) -> dict[str, Any]:
    """Read the object in a file of JSON.

    Raises:
        FormatError: the file is larger than `MAX_BYTES`, is not JSON, or holds something else.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise FormatError(path, f"expected at most {MAX_BYTES} bytes, but the file has {size}.")
    try:
        content = json.loads(path.read_bytes())
    except json.JSONDecodeError as error:
        raise FormatError(path, f"expected JSON, but {error.msg}.", place=f"byte {error.pos}") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise FormatError(path, f"expected JSON, but {error}.") from error
    if not isinstance(content, dict):
        raise FormatError(path, f"expected an object, but found {type(content).__name__}.")
    return content


def numbers_of(
    holder: Any, key: str, shapes: tuple[tuple[int, ...], ...], *, path: Path, place: str
) -> NDArray[np.float64]:
    """Take an array of numbers out of an object.

    Args:
        holder: the object.
        key: where the numbers are; a key that is missing is an empty list.
        shapes: what their shape may be.
        path: the file, for errors.
        place: where in it, for errors.

    Raises:
        FormatError: they are something else, or a million or more.
    """
    if not isinstance(holder, dict):
        raise FormatError(path, f"expected an object, but found {type(holder).__name__}.", place=place)
    try:
        numbers = np.asarray(holder.get(key, []))
    except ValueError:
        numbers = np.array(None)
    if numbers.dtype.kind not in "if" or numbers.shape not in shapes:
        wanted = " or ".join("x".join(map(str, shape)) for shape in shapes)
        found = "x".join(map(str, numbers.shape)) if numbers.dtype.kind in "if" else "something else"
        raise FormatError(path, f"expected {wanted} numbers in {key!r}, but found {found}.", place=place)
    if (np.abs(numbers) >= 1e6).any():
        raise FormatError(path, f"expected numbers below a million in {key!r}.", place=place)
    return numbers.astype(np.float64)
