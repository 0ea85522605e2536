"""Keypoints in files of arrays: MediaPipe Holistic's landmarks in ``.npz``, and ``.h5``.

``.npz`` have ``pose``, ``left_hand``, ``right_hand`` and, if known, ``face`` and ``fps``. ``.h5`` are those of the
lifting code of Zelinka & Kanis (2020), one data set a clip; they need the extra ``prepare``.
"""

from __future__ import annotations

import lzma
import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from signdiff_core.formats.files import FormatError
from signdiff_core.landmarks import landmarks_of
from signdiff_core.rates import MAX_FPS
from signdiff_core.skeleton import (
    BODY_HANDS_FACE,
    HAND_JOINTS,
    HEAD_JOINTS,
    NUM_JOINTS,
    OPENPOSE50,
    Component,
    Skeleton,
    make_header,
    wrap,
)
from signdiff_core.sources.detections import MAX_FRAMES, Detections, as_points, check_numbers, rate_of

BODY_LANDMARKS: Final = 33
"""Landmarks of MediaPipe's body."""

_BODY: Final = {"NOSE": 0} | {
    f"{side}_{joint}": number
    for joint, first in (("SHOULDER", 11), ("ELBOW", 13), ("WRIST", 15))
    for number, side in enumerate(("LEFT", "RIGHT"), start=first)
}
_HEAD: Final = dict(zip(HEAD_JOINTS, (5, 2, 8, 7), strict=True))
_MESHES: Final = (468, 478)
"""Landmarks of a face without irises, and with them."""

_MAX_SIDE: Final = 65535
_BROKEN: Final = (
    *(ArithmeticError, EOFError, LookupError, MemoryError, OSError, RuntimeError, SyntaxError, TypeError, ValueError),
    *(lzma.LZMAError, tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)
"""What zipfile and NumPy raise for broken files."""

NUMBERS: Final = 3 * NUM_JOINTS
"""Numbers of a frame: x, y and weight of every joint."""

_ELSEWHERE: Final = "expected a data set of this file, but it lies in another."

_BROKEN_H5: Final = (
    *(ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError),
)
"""What h5py raises for broken files."""

_LANDMARKS: Final = {"pose": BODY_LANDMARKS, "left_hand": len(HAND_JOINTS), "right_hand": len(HAND_JOINTS)}


def read_mediapipe(path: Path, name: str, fps: float | None = None, *, skeleton: Skeleton = OPENPOSE50) -> Detections:
    """Read an ``.npz`` file of landmarks; a ``FormatError`` says if it is broken, or lacks something.

    It has ``pose`` (T, 33, 4), ``left_hand`` and ``right_hand`` (T, 21, 4) of x, y, z in pixels and visibility, NaN
    where absent; ``face`` (T, 468 or 478, 3 or 4), ``fps``, and ``width`` and ``height`` of the picture, if known.
    Where the file tells no rate, ``fps`` is taken.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            shapes = _shapes(archive)
        wanted = [*_LANDMARKS, *(["face"] if skeleton is BODY_HANDS_FACE and "face" in shapes else [])]
        _check(path, shapes, wanted)
        with np.load(path, allow_pickle=False) as file:
            landmarks = {key: file[key].astype(np.float64) for key in wanted}
            rate = float(file["fps"]) if "fps" in shapes else None
            size = (int(file["width"]), int(file["height"])) if shapes.keys() >= {"width", "height"} else None
    except (FormatError, FileNotFoundError):
        raise
    except _BROKEN as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FormatError(path, f"expected an .npz file of landmarks, but it cannot be read ({reason}).") from error
    if rate is not None and not 1 / MAX_FPS <= rate <= MAX_FPS:
        raise FormatError(path, f"expected a positive frame rate up to {MAX_FPS:g}, but it is {rate:g}.", place="fps")
    if size is not None and not all(1 <= side <= _MAX_SIDE for side in size):
        raise FormatError(path, f"expected a picture of 1 to {_MAX_SIDE} pixels a side, but it is {size[0]}x{size[1]}.")
    for key, numbers in landmarks.items():
        check_numbers(numbers, path, key)
    people, depth = joints_of_holistic(*landmarks.values(), skeleton=skeleton)
    rate, notes = rate_of(rate, fps)
    return Detections(name=name, people=people, fps=rate, depth=depth, size=size, notes=notes)


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


def _check(path: Path, shapes: dict[str, tuple[int, ...]], wanted: Sequence[str]) -> None:
    missing = [key for key in _LANDMARKS if key not in shapes]
    if missing:
        found = ", ".join(shapes) or "nothing"
        raise FormatError(path, f"expected the arrays {', '.join(_LANDMARKS)}, but found {found}.")
    frames = shapes["pose"][:1]
    for key, count in _LANDMARKS.items():
        if shapes[key] != (*frames, count, 4):
            raise FormatError(path, f"expected the shape (T, {count}, 4), but found {shapes[key]}.", place=key)
    if "face" in wanted and shapes["face"] not in [(*frames, count, axes) for count in _MESHES for axes in (3, 4)]:
        raise FormatError(path, f"expected the shape (T, 468, 4), but found {shapes['face']}.", place="face")
    if not 1 <= frames[0] <= MAX_FRAMES:
        raise FormatError(path, f"expected 1 to {MAX_FRAMES} frames, but found {frames[0]}.")
    if any(shapes.get(key, ()) != () for key in ("fps", "width", "height")):
        raise FormatError(path, "expected one number each in fps, width and height.")


def joints_of_holistic(
    pose: NDArray[np.floating],
    left_hand: NDArray[np.floating],
    right_hand: NDArray[np.floating],
    face: NDArray[np.floating] | None = None,
    *,
    skeleton: Skeleton = OPENPOSE50,
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Take the joints (T, 1, J, 3) and depths (T, 1, J) of `Detections` out of MediaPipe's landmarks.

    The neck is the middle of the shoulders. Where a hand is found, its wrist is the body's wrist, and its confidence 1.
    Arrays are as `read_mediapipe` has them; hands and face may lack the visibility.
    """
    mesh = np.zeros((len(pose), 0, 3)) if face is None else face[..., :3]
    header = make_header(
        [
            Component(name="POSE_LANDMARKS", joints=(*_BODY, *_HEAD)),
            Component(name="FACE_LANDMARKS", joints=tuple(str(point) for point in range(mesh.shape[1]))),
            Component(name="LEFT_HAND_LANDMARKS", joints=HAND_JOINTS),
            Component(name="RIGHT_HAND_LANDMARKS", joints=HAND_JOINTS),
        ]
    )
    body = pose[:, [*_BODY.values(), *_HEAD.values()]]
    points = np.concatenate([body[..., :3], mesh, left_hand[..., :3], right_hand[..., :3]], axis=1)
    confidence = np.isfinite(points).all(axis=-1).astype(np.float32)
    confidence[:, : body.shape[1]] *= np.nan_to_num(body[..., 3])
    landmarks = landmarks_of(wrap(points, 1.0, header, confidence), face=skeleton is BODY_HANDS_FACE)
    people = as_points(landmarks.joints[..., :2], landmarks.confidence)
    depth = landmarks.depth_in_pixels(people, 1.0)
    return people[:, None], None if depth is None else depth[:, None]


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
    except _BROKEN_H5 as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FormatError(path, f"expected an h5 file, but it cannot be read ({reason}).", place=name) from error
