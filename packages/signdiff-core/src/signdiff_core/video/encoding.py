"""Frames to H.264: `write_video` in one go, and the groups of frames of which every video is made.

Groups are encoded one by one. Each begins with a key frame and depends on no other, not even by the encoder's rate
control: so a video that was interrupted between two groups is resumed with the very bytes that it would have had.

Each group is a fragment of an MP4 file. After each fragment a box that players pass over holds its checksum and how
many frames it has: nothing is resumed from what is torn, changed or out of its order.
"""

from __future__ import annotations

import errno
import os
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO, FileIO
from itertools import chain, islice, takewhile
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core.atomic import replacing
from signdiff_core.rates import MAX_FPS, as_fraction
from signdiff_core.video.reading import MAX_SIDE, VideoError, VideoInfo

BT601: Final = 6
"""FFmpeg's number of SMPTE 170M, the matrix by which RGB becomes YUV here: players then show the same colours."""

_GROUP_FRAMES: Final = 24
_GROUP_BYTES: Final = 2**28
"""A group holds fewer frames where they are so large that they would take more memory than this."""

_DELAY: Final = 2
"""Frames by which decoding runs ahead of showing, as B-frames that refer to each other need."""

# x264's macroblock tree is not reproducible: equal frames then give other bytes now and then.
_X264: Final = "mbtree=0:keyint=infinite:scenecut=0:bframes=3:b-pyramid=normal"

_BOX: Final = struct.Struct(">I4s")
_SUM: Final = struct.Struct(">I4s4sII")
"""A box ``free``: size, kind, whose it is, number of frames, and the CRC-32 of all since the box before and of that."""

_OURS: Final = b"sdff"


def write_video(
    path: str | os.PathLike[str], frames: Iterable[NDArray[np.uint8]], fps: float, *, crf: int = 18
) -> VideoInfo:
    """Write frames to an MP4 file as they come: memory does not grow with the length.

    Equal frames give equal files: the encoder runs in one thread. The file appears under its name when it is whole;
    `VideoWriter` writes one that plays before that, and that can be resumed.

    Args:
        path: the file to write; an existing one is replaced.
        frames: (H, W, 3) uint8 RGB each, all of one size; H and W even.
        fps: frames per second.
        crf: quality of x264, from 0 (lossless) to 51; 18 is visually lossless.

    Returns:
        What was written.

    Raises:
        ValueError: there is no frame, a frame has another shape or dtype, or ``fps`` or ``crf`` is out of range.
        OSError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as home:
        ...     grey = np.full((64, 96, 3), 128, np.uint8)
        ...     info = write_video(Path(home) / "grey.mp4", [grey] * 5, 25)
        >>> info.width, info.height, info.frames, info.seconds
        (96, 64, 5, 0.2)
    """
    encoding = Encoding(fps=fps, crf=crf)
    with replacing(path) as temporary, TemporaryFile(buffering=0, dir=Path(path).parent) as fragments:
        checked = _checked(frames)
        first = next(checked, None)
        if first is None:
            raise ValueError("frames must hold at least one frame, but is empty.")
        height, width = first.shape[:2]
        every, count, length = chain([first], checked), 0, group_length((height, width))
        while group := list(islice(every, length)):
            append(fragments, encoding.encode(group, start=count), len(group), number=count // length)
            count += len(group)
        fragments.seek(0)
        write_whole(fragments, temporary)
    return encoding.info((height, width), count)


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How frames are encoded: at ``fps`` as a fraction keeps it, in x264's quality ``crf`` from 0 (lossless) to 51."""

    fps: float
    crf: int

    def __post_init__(self) -> None:
        if not 0 < self.fps <= MAX_FPS:
            raise ValueError(f"fps must be in (0, {MAX_FPS:g}], but is {self.fps}.")
        if not 0 <= self.crf <= 51:
            raise ValueError(f"crf must be between 0 and 51, but is {self.crf}.")
        if not self.rate:
            raise ValueError(f"fps must be at least 1/1001, but is {self.fps}.")

    @property
    def rate(self) -> Fraction:
        """Frames per second."""
        return as_fraction(self.fps)

    def encode(self, frames: Iterable[NDArray[np.uint8]], *, start: int) -> bytes:
        """Encode a group of frames as a fragmented MP4 file with one fragment.

        There is at least one frame, each as `check_frame` wants it; `start` is the first one's number in the video.
        """
        import av

        file = BytesIO()
        movie_options = {"movflags": "delay_moov+default_base_moof+frag_discont", "fragment_index": str(start + 1)}
        options = {"crf": str(self.crf), "preset": "medium", "x264-params": _X264}
        with av.open(file, "w", format="mp4", options=movie_options) as movie:
            stream = movie.add_stream("libx264", rate=self.rate, options=options)
            packets = 0

            def mux(encoded: list[Any]) -> None:
                nonlocal packets
                for packet in encoded:
                    # In place of the encoder's own, which lags behind differently in groups of one or two frames.
                    packet.dts = start + packets - _DELAY
                    packet.duration = 1
                    packets += 1
                    movie.mux(packet)

            for number, frame in enumerate(frames, start):
                if number == start:
                    stream.height, stream.width = frame.shape[:2]
                    stream.pix_fmt = "yuv420p"
                    # Equal frames give equal bytes in one thread only.
                    stream.codec_context.thread_count = 1
                    stream.codec_context.color_range = 1
                    stream.codec_context.colorspace = stream.codec_context.color_primaries = BT601
                    stream.codec_context.color_trc = BT601
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
                picture.pts = number
                picture.time_base = 1 / self.rate
                mux(stream.encode(picture))
            mux(stream.encode())
        return file.getvalue()

    def info(self, shape: tuple[int, int], frames: int) -> VideoInfo:
        """Describe a video of a height and width and so many frames that was encoded so."""
        return VideoInfo(
            width=shape[1],
            height=shape[0],
            fps=float(self.rate),
            frames=frames,
            seconds=float(frames / self.rate),
            codec="h264",
            pixel_format="yuv420p",
        )


def group_length(shape: tuple[int, int]) -> int:
    """Tell how many frames of a height and width make a group.

    Example:
        >>> group_length((512, 512)), group_length((4096, 4096))
        (24, 5)
    """
    return max(1, min(_GROUP_FRAMES, _GROUP_BYTES // (3 * shape[0] * shape[1])))


def check_frame(frame: NDArray[np.uint8], number: int, shape: tuple[int, int] | None) -> tuple[int, int]:
    """Check a frame, (H, W, 3) uint8, before it is encoded, and give its height and width.

    Both must be those of `shape`, which is None for the first frame; the number is for the message.
    """
    if shape is not None:
        if frame.shape != (*shape, 3) or frame.dtype != np.uint8:
            raise ValueError(
                f"frame {number} must be ({shape[0]}, {shape[1]}, 3) uint8, but is {frame.shape} {frame.dtype}."
            )
        return shape
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
        raise ValueError(f"frames must be (H, W, 3) uint8, but the first is {frame.shape} {frame.dtype}.")
    height, width = frame.shape[:2]
    if height % 2 or width % 2 or not 2 <= min(height, width) <= max(height, width) <= MAX_SIDE:
        raise ValueError(f"frames must have even sides from 2 to {MAX_SIDE}, but are {width}x{height}.")
    return height, width


def _checked(frames: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    shape = None
    for number, frame in enumerate(frames):
        shape = check_frame(frame, number, shape)
        yield frame


class Fragments:
    """A file of fragments on disk, which need not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def count(self, *, frames: int = 0) -> int:
        """Count the whole fragments, from the first one to the last that has at least so many frames."""
        try:
            with self.path.open("rb") as file:
                return sum(1 for _ in takewhile(lambda end: end[1] >= frames, _fragment_ends(file)))
        except FileNotFoundError:
            return 0

    def append(self, movie: bytes, frames: int, *, number: int) -> None:
        """Add the fragment that `Encoding.encode` made, after ``number`` others; it is on the disk then."""
        with self.path.open("ab", buffering=0) as file:
            before = file.tell()
            try:
                append(file, movie, frames, number=number)
                os.fsync(file.fileno())
            except BaseException:
                file.truncate(before)
                raise

    def keep(self, count: int) -> None:
        """Remove all but the first ``count`` fragments, and what is torn."""
        if count == 0:
            self.path.unlink(missing_ok=True)
            return
        with self.path.open("r+b") as file:
            file.truncate(next(islice(_fragment_ends(file), count - 1, None))[0])


def write_all(file: FileIO, content: bytes) -> None:
    """Write past Python's buffer, so that it outlives the process; an error names the file."""
    rest = memoryview(content)
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError as error:
        error.filename = file.name
        raise


def append(file: FileIO, movie: bytes, frames: int, *, number: int) -> None:
    """Add a fragment to a file that is open without a buffer, at its end, and that holds ``number`` others."""
    kinds = [(kind, start, end) for kind, start, end in _boxes(BytesIO(movie)) if kind != b"mfra"]
    header = next(start for kind, start, _ in kinds if kind == b"moof")
    # The header says the same in each group, so one serves them all.
    content = movie[header if file.tell() else 0 : kinds[-1][2]]
    write_all(file, content + _sum(content, frames, number))


def write_whole(
    fragments: Path | BinaryIO, path: Path, *, sound: Callable[[Any], AbstractContextManager[Any]] | None = None
) -> None:
    """Make an ordinary MP4 file of at least one fragment, its index in front; pictures are not encoded anew.

    `sound` opens, for PyAV's container, a `signdiff_core.video.sound.SoundTrack` that goes with them, as far as they
    reach.

    Raises OSError where it cannot be written, or is not all there, VideoError where the fragments cannot be read.
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
            with nullcontext() if sound is None else sound(movie) as track:
                end = 0.0
                for packet in source.demux(taken):
                    if packet.dts is not None:
                        end = max(end, float((packet.pts + packet.duration) * packet.time_base))
                        if track is not None:
                            track.write_until(float(packet.dts * packet.time_base))
                        packet.stream = stream
                        movie.mux(packet)
                        count += 1
                if track is not None:
                    track.write_until(end)
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
            content, checked = file.read(start - begin), file.read(_SUM.size)
            frames = int(_SUM.unpack(checked)[3])
            if checked != _sum(content, frames, number):
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
