"""The frames of a video that no fragment holds yet, and what the video is made of: what it takes to resume it."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core.video.encoding import group_length, write_all
from signdiff_core.video.reading import MAX_SIDE, VideoError

_HEAD: Final = struct.Struct("<QI")
"""Before each frame: its number, and the CRC-32 of the file's header, the number and the frame."""

_FORMAT: Final = 2
_MAX_HEADER: Final = 2**20


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a video is made of: height and width, and whatever decides the frames and their encoding, as JSON values."""

    shape: tuple[int, int]
    settings: dict[str, Any]
    format: int = _FORMAT

    def __post_init__(self) -> None:
        if self.format != _FORMAT or not isinstance(self.settings, dict):
            raise ValueError(f"format must be {_FORMAT}, but is {self.format}.")
        if len(self.shape) != 2 or not all(isinstance(side, int) and 2 <= side <= MAX_SIDE for side in self.shape):
            raise ValueError(f"shape must be height and width, but is {self.shape}.")


class Journal:
    """A file with a header in its first line, then frames as they are, each after its number and checksum.

    A process that dies at any moment leaves at most its last frame torn. From the first frame on that is not as it was
    written, none counts: they are made again. With a `header`, which says what the video is made of, a new file
    replaces one that is there; without it, that one is resumed. `fragments` belong to the old file; they go first, so
    that their frames never pass for new ones. `read_only` only looks at it, also while another process writes it. Of
    the `count` frames, `first` is the first one's number in the video. Raises BlockingIOError where another process
    writes it, FileNotFoundError where there is none to resume, VideoError where what is there is no journal.
    """

    def __init__(
        self,
        path: Path,
        header: Header | None = None,
        *,
        fragments: Path | None = None,
        read_only: bool = False,
    ) -> None:
        self.path, self._read_only = path, read_only
        self.count = 0
        self.first: int | None = None
        if header is not None:
            path.touch()
        self._file = FileIO(path, "r" if read_only else "r+")
        try:
            if not read_only:
                _lock(self._file, path)
            if fragments is not None:
                fragments.unlink(missing_ok=True)
            if header is not None:
                self._file.truncate(0)
                line = json.dumps(asdict(header)).encode()
                write_all(self._file, b"%08x %s\n" % (zlib.crc32(line), line))
            self.header, self._start = self._read_header()
            self._record = _HEAD.size + 3 * self.header.shape[0] * self.header.shape[1]
            self.settle()
        except BaseException:
            self._file.close()
            raise

    @property
    def is_full(self) -> bool:
        """Whether its frames make a group."""
        return self.count == group_length(self.header.shape)

    def append(self, number: int, frame: NDArray[np.uint8]) -> None:
        """Add a frame, the one after those that are in it."""
        self._file.seek(self._start + self.count * self._record)
        content = np.ascontiguousarray(frame).tobytes()
        write_all(self._file, _HEAD.pack(number, self._sum(number, content)) + content)
        self.first = number if self.first is None else self.first
        self.count += 1

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """Read the frames, (H, W, 3) uint8 each."""
        for n in range(self.count):
            self._file.seek(self._start + n * self._record + _HEAD.size)
            content = self._file.read(self._record - _HEAD.size)
            yield np.frombuffer(content, dtype=np.uint8).reshape(*self.header.shape, 3)

    def clear(self) -> None:
        """Remove the frames."""
        self._file.truncate(self._start)
        self.count, self.first = 0, None

    def settle(self) -> None:
        """Count the frames anew: what an interruption left of a last one does not count, nor what follows damage.

        Raises VideoError where they are not what this class writes.
        """
        length = group_length(self.header.shape)
        self.count = (self._file.seek(0, 2) - self._start) // self._record
        if self.count > length:
            raise self._damaged()
        # Where another process writes, all but the first may be of the next group in a moment.
        numbers = self._numbers(min(self.count, 1) if self._read_only else self.count)
        self.count = self.count if self._read_only and numbers else len(numbers)
        if not numbers:
            self.first = None
            return
        self.first = numbers[0]
        if self.first % length or numbers != [*range(self.first, self.first + len(numbers))]:
            raise self._damaged()

    def _numbers(self, count: int) -> list[int]:
        """Read the numbers of the first frames; fewer, if they are gone or not as they were written."""
        numbers: list[int] = []
        for n in range(count):
            self._file.seek(self._start + n * self._record)
            record = self._file.read(self._record)
            if len(record) < self._record:
                break
            number, checksum = _HEAD.unpack_from(record)
            if checksum != self._sum(number, memoryview(record)[_HEAD.size :]):
                break
            numbers.append(number)
        return numbers

    def _sum(self, number: int, content: bytes | memoryview) -> int:
        return zlib.crc32(content, zlib.crc32(number.to_bytes(8, "little"), self._header_sum))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read_header(self) -> tuple[Header, int]:
        self._file.seek(0)
        line, end, _ = self._file.read(_MAX_HEADER).partition(b"\n")
        checksum, _, text = line.partition(b" ")
        self._header_sum = zlib.crc32(text)
        try:
            if checksum != b"%08x" % self._header_sum:
                raise ValueError("the header is not as it was written")
            values = json.loads(text)
            return Header(**{**values, "shape": tuple(values["shape"])}), len(line) + len(end)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise self._damaged() from error

    def _damaged(self) -> VideoError:
        return VideoError(
            f"{self.path}: expected what an interrupted video leaves, but it is damaged: it cannot be resumed."
        )


def _lock(file: FileIO, path: Path) -> None:
    """Keep other processes from writing the file, until it is closed; where the system has no such locks, do not."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise BlockingIOError(f"{path}: another process is at work on this video.") from error
