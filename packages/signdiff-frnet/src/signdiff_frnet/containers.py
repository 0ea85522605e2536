"""What a video's container says of its own length, so that a file that was cut short is known as such.

FFmpeg, and OpenCV with it, reads such a file as if it simply ended earlier.
"""

import os
from pathlib import Path
from typing import BinaryIO

_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def is_cut_short(path: Path) -> bool:
    """Tell whether the end of a video file is missing.

    Args:
        path: MP4 or QuickTime, AVI, Matroska or WebM.

    Returns:
        Whether the container announces more bytes than there are, or lacks MP4's index. False where it announces
        nothing (a live recording) or is of another kind.

    Raises:
        OSError: the file can't be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(12)
        file.seek(0)
        if start[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
            return _iso_is_cut(file, size)
        if start[:4] == b"RIFF":
            return _riff_is_cut(file, size)
        if start[:4] == _EBML:
            return _matroska_is_cut(file, size)
    return False


def _iso_is_cut(file: BinaryIO, size: int) -> bool:
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
    return place > size or b"moov" not in kinds


def _riff_is_cut(file: BinaryIO, size: int) -> bool:
    place = 0
    while place + 8 <= size:  # files above 1 GB consist of several such chunks
        file.seek(place)
        header = file.read(8)
        length = int.from_bytes(header[4:], "little")
        if header[:4] != b"RIFF" or length in (0, 0xFFFFFFFF):
            break
        place += 8 + length + length % 2
    return place > size


def _matroska_is_cut(file: BinaryIO, size: int) -> bool:
    file.seek(len(_EBML))
    length = _read_length(file)
    if length is None:
        return False
    file.seek(length, os.SEEK_CUR)
    if file.read(len(_SEGMENT)) != _SEGMENT:
        return file.tell() >= size
    length = _read_length(file)
    return length is not None and file.tell() + length > size


def _read_length(file: BinaryIO) -> int | None:
    """A whole number of 1 to 8 bytes, whose leading zeros tell how many; all ones means unknown."""
    first = file.read(1)
    if not first or first == b"\0":
        return None
    more = 8 - first[0].bit_length()
    digits = 7 * (more + 1)
    value = int.from_bytes(first + file.read(more)) & ((1 << digits) - 1)
    return None if value == (1 << digits) - 1 else value
