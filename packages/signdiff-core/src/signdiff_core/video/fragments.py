"""A video as a row of fragments, which plays as it grows: fragmented MP4.

After each fragment a box that players pass over holds its checksum and how many frames it has: what is torn, changed or
out of its order is not gone on from.
"""

from __future__ import annotations

import errno
import os
import struct
import zlib
from io import BytesIO
from itertools import islice, takewhile
from typing import TYPE_CHECKING, BinaryIO, Final

from signdiff_core.video.opening import VideoError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path

_BOX: Final = struct.Struct(">I4s")
_SUM: Final = struct.Struct(">I4s4sII")
"""A box ``free``: size, kind, whose it is, number of frames, and the CRC-32 of all since the box before and of that."""

_OURS: Final = b"sdff"


class Fragments:
    """A file of fragments on disk.

    Args:
        path: the file; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def count(self, *, frames: int = 0) -> int:
        """Count the whole fragments, from the first one on.

        Args:
            frames: only up to the first that has fewer.
        """
        try:
            with self.path.open("rb") as file:
                return sum(1 for _ in takewhile(lambda end: end[1] >= frames, _fragment_ends(file)))
        except FileNotFoundError:
            return 0

    def append(self, movie: bytes, frames: int, *, number: int) -> None:
        """Add a group of frames; it is on the disk when this returns.

        Args:
            movie: what `Encoding.encode` returns.
            frames: how many it has.
            number: how many fragments are in the file.

        Raises:
            OSError: it cannot be written.
        """
        with self.path.open("ab", buffering=0) as file:
            before = file.tell()
            try:
                append(file, movie, frames, number=number)
                os.fsync(file.fileno())
            except BaseException:
                file.truncate(before)
                raise

    def keep(self, count: int) -> None:
        """Remove all but the first fragments, and what is torn.

        Args:
            count: how many to keep, not more than there are.
        """
        if count == 0:
            self.path.unlink(missing_ok=True)
            return
        with self.path.open("r+b") as file:
            file.truncate(next(islice(_fragment_ends(file), count - 1, None))[0])


def write_all(file: FileIO, content: bytes) -> None:
    """Write past Python's buffer, so that it outlives the process.

    Args:
        file: open without a buffer.
        content: what to write at its position.

    Raises:
        OSError: it cannot be written; the error names the file.
    """
    rest = memoryview(content)
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError as error:
        error.filename = file.name
        raise


def append(file: FileIO, movie: bytes, frames: int, *, number: int) -> None:
    """Add a group of frames to an open file, after those that are in it.

    Args:
        file: open without a buffer, at its end.
        movie: what `Encoding.encode` returns.
        frames: how many it has.
        number: how many fragments are in the file.
    """
    kinds = [(kind, start, end) for kind, start, end in _boxes(BytesIO(movie)) if kind != b"mfra"]
    header = next(start for kind, start, _ in kinds if kind == b"moof")
    # The header says the same in each group, so one serves them all.
    content = movie[header if file.tell() else 0 : kinds[-1][2]]
    write_all(file, content + _sum(content, frames, number))


def write_whole(fragments: Path | BinaryIO, path: Path) -> None:
    """Make an ordinary MP4 file of fragments, its index in front; nothing is encoded anew.

    Args:
        fragments: a file of at least one fragment, by its path or open for reading.
        path: the file to write.

    Raises:
        OSError: it cannot be written, or what was written is not all there.
        VideoError: the fragments cannot be read.
    """
    import av

    count = 0
    try:
        with (
            av.open(fragments) as source,
            av.open(path, "w", format="mp4", options={"movflags": "+faststart"}) as movie,
        ):
            taken = source.streams.video[0]
            stream = movie.add_stream_from_template(taken)
            for packet in source.demux(taken):
                if packet.dts is not None:
                    packet.stream = stream
                    movie.mux(packet)
                    count += 1
    except (av.error.InvalidDataError, IndexError) as error:
        raise VideoError(f"{fragments}: expected fragments of a video, but they cannot be read ({error}).") from error
    with av.open(path) as movie:
        found = movie.streams.video[0].frames
    if found != count:
        raise OSError(errno.EIO, f"expected {count} frames after writing them, but found {found}", str(path))


def _sum(content: bytes, frames: int, number: int) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(struct.pack(">II", frames, number)))
    return _SUM.pack(_SUM.size, b"free", _OURS, frames, checksum)


def _fragment_ends(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Find where each whole fragment ends, and how many frames it has.

    It is a box ``moof``, the box ``mdat`` after it, and the right checksum.
    """
    begin, number, before = 0, 0, [b"", b""]
    for kind, start, end in _boxes(file):
        if [*before, kind] == [b"moof", b"mdat", b"free"] and end - start == _SUM.size:
            file.seek(begin)
            content, told = file.read(start - begin), file.read(_SUM.size)
            frames = int(_SUM.unpack(told)[3])
            if told != _sum(content, frames, number):
                return
            yield end, frames
            begin, number = end, number + 1
        before = [before[1], kind]


def _boxes(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """List the whole boxes of an MP4 file: kind, start and end."""
    size, start = file.seek(0, 2), 0
    while start + _BOX.size <= size:
        file.seek(start)
        length, kind = _BOX.unpack(file.read(_BOX.size))
        end = start + length
        if length < _BOX.size or end > size:
            return
        yield kind, start, end
        start = end
