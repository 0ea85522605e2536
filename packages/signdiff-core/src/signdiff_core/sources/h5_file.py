"""``.h5`` of the lifting code of Zelinka & Kanis (2020): one data set a clip. Needs the extra ``prepare``."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core.formats.files import FormatError
from signdiff_core.skeleton import NUM_JOINTS
from signdiff_core.sources.detections import MAX_FRAMES, as_points, check_numbers

NUMBERS: Final = 3 * NUM_JOINTS
"""Numbers of a frame: x, y and weight of every joint."""

_ELSEWHERE: Final = "expected a data set of this file, but it lies in another."

_BROKEN: Final = (
    *(ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError),
)
"""What h5py raises for broken files."""


def clips_in_h5(path: Path) -> list[str]:
    """List the names of the clips in a file; an error says if it is broken, or h5py missing."""
    with _opened(path) as file:
        return sorted(file)


def read_h5(path: Path, name: str) -> NDArray[np.float32]:
    """Read a clip as `Detections` has it, (T, 1, 50, 3).

    Its data set is (T, 150) of x, y and weight for every joint; a weight of 0, or NaN, is an absent joint. A
    ``FormatError`` says if it is missing, broken, of another shape, in another file, or holds what is no coordinate.
    """
    with _opened(path, name) as file:
        clip = _data_set(file, path, name)
        numbers = clip[:].astype(np.float64)
    check_numbers(numbers, path, name)
    points = numbers.reshape(-1, 1, NUM_JOINTS, 3)
    return as_points(points[..., :2], points[..., 2])


def _data_set(file: Any, path: Path, name: str) -> Any:
    """A data set of which nothing was read yet, and which fits in memory."""
    import h5py

    if isinstance(file.get(name, getlink=True), h5py.ExternalLink):
        raise FormatError(path, _ELSEWHERE, place=name)
    clip = file.get(name)
    shape = getattr(clip, "shape", None)
    if shape is None or len(shape) != 2 or shape[1] != NUMBERS or clip.dtype.kind != "f":
        found = f"{clip.dtype} {shape}" if shape is not None else "none"
        raise FormatError(path, f"expected a data set of floats (T, {NUMBERS}), but found {found}.", place=name)
    if not 1 <= shape[0] <= MAX_FRAMES:
        raise FormatError(path, f"expected 1 to {MAX_FRAMES} frames, but found {shape[0]}.", place=name)
    if clip.file.filename != file.filename or clip.external or clip.is_virtual:
        raise FormatError(path, _ELSEWHERE, place=name)
    chunks = clip.chunks or shape
    if math.prod(chunks) > MAX_FRAMES * NUMBERS:
        raise FormatError(path, f"expected pieces of at most {MAX_FRAMES} frames, but found {chunks}.", place=name)
    pieces = math.prod(-(-length // piece) for length, piece in zip(shape, chunks, strict=True))
    # What was never written reads as zeros.
    stored = clip.id.get_num_chunks() if clip.chunks else int(clip.id.get_storage_size() > 0)
    if stored < pieces:
        raise FormatError(
            path, f"expected all numbers, but {pieces - stored} of {pieces} pieces are not there.", place=name
        )
    return clip


@contextmanager
def _opened(path: Path, name: str = "") -> Iterator[Any]:
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f'{path}: reading it needs h5py: pip install "signdiff-core[prepare]".') from error
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (FormatError, FileNotFoundError):
        raise
    except _BROKEN as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FormatError(path, f"expected an h5 file, but it cannot be read ({reason}).", place=name) from error
