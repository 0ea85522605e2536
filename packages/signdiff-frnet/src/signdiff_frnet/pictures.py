"""Reading pictures as RGB frames: stills, and those that move (GIF and WebP)."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from signdiff_frnet.contract import InvalidImageError, UInt8Image, bits_of, to_array
from signdiff_frnet.files import ANIMATED_SUFFIXES, KNOWN_SUFFIXES, VIDEO_SUFFIXES, MediaError

_UNSTATED = 0.1
"""Seconds that players show a frame whose own time is 10 milliseconds or less, or not given."""

_BROKEN = (ArithmeticError, AttributeError, EOFError, LookupError, SyntaxError, TypeError, ValueError, struct.error)
"""What Pillow raises for broken files, among others."""

_SUBFILE = 254
"""Number of the tag by which TIFF tells a page from a smaller copy of it."""


def read_image(path: Path) -> UInt8Image:
    """Read a picture, of any format and mode that Pillow turns into RGB, the right way up: (H, W, 3 or 4) uint8.

    A MediaError if it is no picture, is cut short, has too many pixels, more than 8 bits a channel, or is several
    pictures.
    """
    with _opened(path) as picture:
        if (count := _count(picture)) > 1:
            raise MediaError(f"{path}: expected one picture, but the file holds {count}: split them into files first.")
        if (bits := bits_of(picture)) > 8:
            raise MediaError(
                f"{path}: expected a picture with 8 bits a channel, but it has {bits}: scale it first, by the range "
                "that its content fills."
            )
        upright = ImageOps.exif_transpose(picture)
        return to_array(upright.convert("RGBA" if upright.has_transparency_data else "RGB"))


def is_video(path: Path) -> bool:
    """Tell a video from an image: by its suffix, or, where that may be either, by content; a MediaError for neither."""
    suffix = path.suffix.lower()
    if suffix not in KNOWN_SUFFIXES:
        known = " ".join(KNOWN_SUFFIXES)
        raise MediaError(f"{path}: expected an image or a video, with one of the suffixes {known}.")
    return suffix in VIDEO_SUFFIXES or _is_animation(path)


def _is_animation(path: Path) -> bool:
    """Tell whether a GIF or WebP file holds several frames; False for what can't be read."""
    if path.suffix.lower() not in ANIMATED_SUFFIXES:
        return False
    try:
        with _opened(path) as picture:
            return _count(picture) > 1
    except (MediaError, OSError):
        return False


def read_animation(path: Path) -> Iterator[UInt8Image]:
    """Read the frames of a GIF or WebP file, (H, W, 4) RGBA uint8 each; a MediaError if it can't be decoded."""
    with _opened(path) as picture:
        for frame in ImageSequence.Iterator(picture):
            yield np.asarray(frame.convert("RGBA"))


def animation_times(path: Path) -> list[float]:
    """Tell when each frame of a GIF or WebP file is shown, and when the last one ends, in seconds from the start."""
    times = [0.0]
    with _opened(path) as picture:
        for frame in ImageSequence.Iterator(picture):
            frame.load()  # of WebP, only then its time is known
            shown = float(frame.info.get("duration") or 0) / 1000
            times.append(times[-1] + (shown if shown > 0.01 else _UNSTATED))
    return times


def _count(picture: Any) -> int:
    """Count frames or pages; not previews in a JPEG file (MPO), nor the smaller copies of a TIFF file's page."""
    if picture.format == "TIFF":
        pages: Iterator[Any] = iter(ImageSequence.Iterator(picture))
        return max(1, sum(not page.tag_v2.get(_SUBFILE, 0) & 1 for page in pages))
    return int(getattr(picture, "n_frames", 1)) if picture.format in ("GIF", "PNG", "WEBP") else 1


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        # Of a file on the disk, Pillow would ask memory for as many bytes as a part of it says that it has.
        with Image.open(BytesIO(path.read_bytes())) as picture:
            yield picture
    except UnidentifiedImageError:
        raise MediaError(f"{path}: expected an image, but its content is of no known format.") from None
    except (MediaError, InvalidImageError):
        raise
    except OSError as error:
        if error.filename is not None:
            raise
        raise MediaError(f"{path}: expected an image, but it can't be decoded: {error}") from error
    except (Image.DecompressionBombError, *_BROKEN) as error:
        raise MediaError(f"{path}: expected an image, but it can't be decoded: {error}") from error
