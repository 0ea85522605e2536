"""``.h5`` of the lifting code of Zelinka & Kanis (2020): one data set a clip. Needs the extra ``prepare``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from signdiff_core.formats import FormatError
from signdiff_core.skeleton import NUM_JOINTS
from signdiff_slp.prepare.sources.detections import MAX_FRAMES, as_points

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

NUMBERS: Final = 3 * NUM_JOINTS
"""Numbers of a frame: x, y and weight of every joint."""


def clips_in_h5(path: Path) -> list[str]:
    """List the names of the clips in a file.

    Raises:
        FormatError: the file is broken.
        ModuleNotFoundError: h5py is missing.
    """
    with _opened(path) as file:
        return sorted(file)


def read_h5(path: Path, name: str) -> NDArray[np.float32]:
    """Read a clip.

    Args:
        path: the file.
        name: of the data set, (T, 150) of x, y and weight for every joint; a weight of 0 is an absent joint.

    Returns:
        (T, 1, 50, 3) as in `Detections`.

    Raises:
        FormatError: the file is broken, or the data set is missing, has another shape, or is in another file.
        ModuleNotFoundError: h5py is missing.
    """
    with _opened(path) as file:
        clip = file.get(name)
        shape = getattr(clip, "shape", None)
        if shape is None or len(shape) != 2 or shape[1] != NUMBERS or clip.dtype.kind != "f":
            found = f"{clip.dtype} {shape}" if shape is not None else "none"
            raise FormatError(path, f"expected a data set of floats (T, {NUMBERS}), but found {found}.", place=name)
        if not 1 <= shape[0] <= MAX_FRAMES:
            raise FormatError(path, f"expected 1 to {MAX_FRAMES} frames, but found {shape[0]}.", place=name)
        if clip.file.filename != file.filename or clip.external or clip.is_virtual:
            raise FormatError(path, "expected a data set of this file, but it lies in another.", place=name)
        try:
            numbers = clip[:].reshape(-1, 1, NUM_JOINTS, 3)
        except OSError as error:
            raise FormatError(path, f"expected a data set, but it cannot be read ({error}).", place=name) from error
    return as_points(numbers[..., :2], numbers[..., 2])


def _opened(path: Path) -> Any:
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f'{path}: reading it needs h5py: pip install "signdiff-slp[prepare]".') from error
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise FormatError(path, f"expected an h5 file, but it cannot be read ({error}).") from error
