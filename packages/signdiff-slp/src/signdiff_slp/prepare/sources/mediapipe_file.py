"""Files of MediaPipe Holistic's landmarks: ``.npz`` with ``pose``, ``left_hand``, ``right_hand`` and ``fps``."""

from __future__ import annotations

import lzma
import tokenize
import zipfile
import zlib
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.lib import format as npy

from signdiff_core.formats import FormatError
from signdiff_core.formats.pose import MAX_FPS
from signdiff_core.skeleton import HAND_JOINTS
from signdiff_slp.prepare.sources.detections import MAX_FRAMES, Detections, check_numbers
from signdiff_slp.prepare.sources.holistic import BODY_LANDMARKS, joints_of_holistic

if TYPE_CHECKING:
    from pathlib import Path

_MAX_SIDE: Final = 65535
_BROKEN: Final = (
    ArithmeticError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What zipfile and NumPy raise for broken files."""

_LANDMARKS: Final = {"pose": BODY_LANDMARKS, "left_hand": len(HAND_JOINTS), "right_hand": len(HAND_JOINTS)}


def read_mediapipe(path: Path, name: str) -> Detections:
    """Read a file of landmarks.

    Args:
        path: ``.npz`` with ``pose`` (T, 33, 4), ``left_hand`` and ``right_hand`` (T, 21, 4) of x, y, z in pixels and
            visibility, NaN where absent; ``fps``; and ``width`` and ``height`` of the picture, if known.
        name: of the clip.

    Raises:
        FormatError: the file is broken, or lacks something.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            shapes = _shapes(archive)
        _check(path, shapes)
        with np.load(path, allow_pickle=False) as file:
            landmarks = {key: file[key].astype(np.float64) for key in _LANDMARKS}
            fps = float(file["fps"])
            size = (int(file["width"]), int(file["height"])) if shapes.keys() >= {"width", "height"} else None
    except (FormatError, FileNotFoundError):
        raise
    except _BROKEN as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FormatError(path, f"expected an .npz file of landmarks, but it cannot be read ({reason}).") from error
    if not 1 / MAX_FPS <= fps <= MAX_FPS:
        raise FormatError(path, f"expected a positive frame rate up to {MAX_FPS:g}, but it is {fps:g}.", place="fps")
    if size is not None and not all(1 <= side <= _MAX_SIDE for side in size):
        raise FormatError(path, f"expected a picture of 1 to {_MAX_SIDE} pixels a side, but it is {size[0]}x{size[1]}.")
    for key, numbers in landmarks.items():
        check_numbers(numbers, path, key)
    people = joints_of_holistic(*landmarks.values())
    return Detections(name=name, people=people, fps=fps, size=size)


def _shapes(archive: zipfile.ZipFile) -> dict[str, tuple[int, ...]]:
    """Shapes as the arrays' headers tell them: nothing is allocated for an array before its shape is known."""
    shapes: dict[str, tuple[int, ...]] = {}
    for member in archive.namelist():
        with archive.open(member) as file:
            major, _ = npy.read_magic(file)
            read = npy.read_array_header_1_0 if major == 1 else npy.read_array_header_2_0
            shape, _, dtype = read(file)
            if dtype.kind not in "iuf":
                raise ValueError(f"{member} holds {dtype}, not numbers")
            key = member.removesuffix(".npy")
            if key in shapes:
                raise ValueError(f"{key} is there twice")
            shapes[key] = tuple(shape)
    return shapes


def _check(path: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    missing = [key for key in (*_LANDMARKS, "fps") if key not in shapes]
    if missing:
        found = ", ".join(shapes) or "nothing"
        raise FormatError(path, f"expected the arrays {', '.join((*_LANDMARKS, 'fps'))}, but found {found}.")
    frames = shapes["pose"][:1]
    for key, count in _LANDMARKS.items():
        if shapes[key] != (*frames, count, 4):
            raise FormatError(path, f"expected the shape (T, {count}, 4), but found {shapes[key]}.", place=key)
    if not 1 <= frames[0] <= MAX_FRAMES:
        raise FormatError(path, f"expected 1 to {MAX_FRAMES} frames, but found {frames[0]}.")
    if any(shapes.get(key, ()) != () for key in ("fps", "width", "height")):
        raise FormatError(path, "expected one number each in fps, width and height.")
