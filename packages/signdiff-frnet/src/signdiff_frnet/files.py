"""The files that are understood: their suffixes, what can be wrong with one, and whether a video has its end."""

import os
from pathlib import Path
from typing import BinaryIO

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif")
"""Images that can be read."""

ANIMATED_SUFFIXES = (".gif", ".webp")
"""Those of them that are videos if they hold several frames."""

LOSSLESS_SUFFIXES = (".png", ".bmp", ".tif", ".tiff")
"""Images that can be written: a map that JPEG touched would not be binary any more."""

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm")
"""Videos that can be read."""

COUNTED_SUFFIXES = (".mp4", ".mov", ".m4v")
"""Videos whose index counts their frames."""

KNOWN_SUFFIXES = (*IMAGE_SUFFIXES, *VIDEO_SUFFIXES)

VIDEO_CODECS = {".mp4": "mp4v", ".avi": "FFV1", ".mkv": "FFV1"}
"""Videos that can be written, and how: MPEG-4, which blurs a little, or lossless FFV1."""


def partial_name(path: Path) -> Path:
    """Name the file that keeps what could be drawn of a video that is cut short.

    Example:
        >>> partial_name(Path("maps/fr.mp4")).name
        'fr.partial.mp4'
    """
    return path.with_name(f"{path.stem}.partial{path.suffix}")


class MediaError(ValueError):
    """A file that holds no readable image or video."""


class CutShortError(MediaError):
    """A video whose end can't be read; what came before it was."""


class OutputError(OSError):
    """A file that can't be written, or not whole."""


_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def is_cut_short(path: Path) -> bool:
    """Tell whether an MP4, QuickTime, AVI, Matroska or WebM file has fewer bytes than it announces, or no MP4 index."""
    end = _announced_end(path)
    return end is not None and end > path.stat().st_size


def is_closed(path: Path) -> bool:
    """Tell whether a video file was written to its end: its container says how long it is, and it is all there."""
    end = _announced_end(path)
    return end is not None and end <= path.stat().st_size


def _announced_end(path: Path) -> int | None:
    """Where the container says that it ends, in bytes; None where it does not say."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(12)
        file.seek(0)
        if start[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
            return _iso_end(file, size)
        if start[:4] == b"RIFF":
            return _riff_end(file, size)
        if start[:4] == _EBML:
            return _matroska_end(file, size)
    return None


def _iso_end(file: BinaryIO, size: int) -> int:
    place, kinds = 0, set()
    while place + 8 <= size:
        file.seek(place)
        header = file.read(16)
        length = int.from_bytes(header[:4])
        kinds.add(header[4:8])
        if length == 1:
            length = int.from_bytes(header[8:16])
        elif length == 0:  # to the end of the file
            length = size - place
        if length < 8:
            break
        place += length
    return place if b"moov" in kinds else max(place, size + 1)


def _riff_end(file: BinaryIO, size: int) -> int | None:
    place = 0
    while place + 8 <= size:  # files above 1 GB consist of several such chunks
        file.seek(place)
        header = file.read(8)
        length = int.from_bytes(header[4:], "little")
        if header[:4] != b"RIFF":
            break
        if length in (0, 0xFFFFFFFF):
            return None
        place += 8 + length + length % 2
    return place


def _matroska_end(file: BinaryIO, size: int) -> int | None:
    file.seek(len(_EBML))
    length = _read_length(file)
    if length is None:
        return None
    file.seek(length, os.SEEK_CUR)
    if file.read(len(_SEGMENT)) != _SEGMENT:
        return size + 1 if file.tell() >= size else None
    length = _read_length(file)
    return None if length is None else file.tell() + length


def _read_length(file: BinaryIO) -> int | None:
    """A whole number of 1 to 8 bytes, whose leading zeros tell how many; all ones means unknown."""
    first = file.read(1)
    if not first or first == b"\0":
        return None
    more = 8 - first[0].bit_length()
    digits = 7 * (more + 1)
    value = int.from_bytes(first + file.read(more)) & ((1 << digits) - 1)
    return None if value == (1 << digits) - 1 else value
