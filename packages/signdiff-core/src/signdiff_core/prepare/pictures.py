"""Pictures of training frames, and FR maps, out of files whose headers may lie."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

MAX_PIXELS: Final = 1 << 26
"""Most pixels of a frame that is read (8192 x 8192)."""

_BROKEN: Final = (ArithmeticError, EOFError, LookupError, OSError, SyntaxError, TypeError, ValueError, struct.error)
"""What Pillow raises, among others, for damaged files."""


def read_image(path: Path, resolution: int) -> NDArray[np.uint8]:
    """Read a square image and bring it to a resolution, (S, S, 3) uint8 RGB.

    Raises ValueError where the file is missing, is no image, or is not square.
    """
    return decode_image(content_of(path), str(path), resolution=resolution)


def decode_image(content: bytes, place: str, *, resolution: int) -> NDArray[np.uint8]:
    """Decode a square image and bring it to a resolution; ``place`` is named in errors. See `read_image`."""
    image = _decode(content, cv2.IMREAD_COLOR, place)
    if image.shape[0] != resolution:
        shrink = image.shape[0] > resolution
        image = cv2.resize(image, (resolution, resolution), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_CUBIC)
    return np.ascontiguousarray(image[..., ::-1], dtype=np.uint8)


def decode_map(content: bytes, place: str, *, resolution: int) -> NDArray[np.uint8]:
    """Decode a square FR map and bring it to a resolution, (S, S) uint8; it stays black and white, 0 or 255.

    Raises ValueError, which names the place, where it is no image, or not square.
    """
    fr_map = _decode(content, cv2.IMREAD_GRAYSCALE, place)
    if fr_map.shape[0] != resolution:
        fr_map = cv2.resize(fr_map, (resolution, resolution), interpolation=cv2.INTER_NEAREST)
    return np.where(fr_map > 127, np.uint8(255), np.uint8(0))


def content_of(path: Path) -> bytes:
    """Read a file; nothing, if there is none, which is no picture."""
    return path.read_bytes() if path.is_file() else b""


def _size(content: bytes, place: str) -> tuple[int, int]:
    """Read an image's size from its header: OpenCV would make room for whatever that says. (0, 0) if it is none."""
    try:
        with Image.open(BytesIO(content)) as picture:
            size = picture.size
            if size[0] * size[1] <= MAX_PIXELS:
                picture.verify()  # a chunk of a PNG may promise more than the file has
            return size
    except Image.DecompressionBombError as error:
        raise ValueError(f"{place} must have at most {MAX_PIXELS} pixels, but: {error}") from error
    except _BROKEN:
        return 0, 0


def _decode(content: bytes, kind: int, place: str) -> NDArray[np.uint8]:
    width, height = _size(content, place)
    if width * height > MAX_PIXELS:
        raise ValueError(f"{place} must have at most {MAX_PIXELS} pixels, but has {width}x{height}.")
    image = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), kind) if width else None
    if image is None:
        raise ValueError(f"{place} must be an image, but cannot be read as one.")
    if image.shape[0] != image.shape[1]:
        raise ValueError(f"{place} must be square, but is {image.shape[1]}x{image.shape[0]}.")
    return np.asarray(image, dtype=np.uint8)
