"""Writing maps so that a file is there whole or not at all."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from signdiff_frnet.contract import UInt8Image
from signdiff_frnet.files import VIDEO_CODECS, CutShortError, OutputError, is_closed, partial_name
from signdiff_frnet.videos import count_packets

with suppress(ImportError):  # a system without such locks
    import fcntl


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Lend a temporary name beside a file, with its suffix; it takes the file's place when the block succeeds."""
    with _temporary(path) as temporary:
        try:
            yield temporary
            if temporary.exists():
                _sync(temporary)
                temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """Make a temporary file that is locked while it is written: what a killed process left is taken over."""
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        try:
            file = os.open(temporary, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:  # early, and in the words of the system
            raise OutputError(error.errno, f"can't be written there: {error.strerror}", str(path)) from None
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (OSError, NameError):  # another process writes it, or files can't be locked
                temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
                temporary.touch()
            yield temporary
        finally:
            os.close(file)
    except BaseException as stop:
        if not isinstance(stop, Exception):
            _discard(temporary)
        raise


def _discard(temporary: Path) -> None:
    """Remove a file that nobody writes: a signal may come just after the system has made it."""
    with suppress(OSError, NameError), temporary.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        temporary.unlink()


def _sync(path: Path) -> None:
    """Bring a file to the disk: some systems notice only then that it is full."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def write_image(path: Path, image: UInt8Image) -> None:
    """Write a map (H, W, 3) uint8 losslessly; the suffix names the format. An OutputError if it can't be written."""
    with replacing(path) as temporary:
        try:
            content = BytesIO()  # Pillow does not notice when a file takes only part of what it writes
            Image.fromarray(image).save(content, Image.registered_extensions()[path.suffix.lower()])
            temporary.write_bytes(content.getbuffer())
            _sync(temporary)
        except OSError as error:
            raise OutputError(f"{path}: can't be written: {error.strerror or error}") from error


def write_video(path: Path, frames: Iterable[UInt8Image], *, fps: float) -> None:
    """Write maps, (H, W, 3) uint8 of one size, as ``.mp4`` (MPEG-4, lossy), ``.mkv`` or ``.avi`` (FFV1, lossless).

    If the frames end in a :class:`CutShortError`, those before it are kept under another name
    (:func:`~signdiff_frnet.files.partial_name`), playable, ``path`` is left alone, and the error tells that name. The
    codecs need even sides: an odd one gets its last pixels twice. An OutputError if not all that was written is there.
    """
    fourcc = cv2.VideoWriter.fourcc(*VIDEO_CODECS[path.suffix.lower()])
    with replacing(path) as temporary:
        writer, count = cv2.VideoWriter(), 0
        try:
            for frame in map(_with_even_sides, frames):
                if not writer.isOpened() and not writer.open(
                    str(temporary), cv2.CAP_FFMPEG, fourcc, fps, (frame.shape[1], frame.shape[0])
                ):
                    raise OutputError(f"{path}: this build of OpenCV can't write {path.suffix} videos.")
                writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
                count += 1
        except CutShortError as error:
            writer.release()  # writes the index, without which the file is not playable
            _check_written(temporary, count, name=partial_name(path))
            temporary.replace(partial_name(path))
            raise CutShortError(f"{error} Their maps are in {partial_name(path)}.") from error
        finally:
            writer.release()
        _check_written(temporary, count, name=path)


def _check_written(path: Path, count: int, *, name: Path) -> None:
    """Make sure that a video holds what was written to it: OpenCV says nothing of a full disk."""
    try:
        _sync(path)
    except OSError as error:
        raise OutputError(f"{name}: can't be written: {error.strerror or error}") from error
    found = count_packets(path) if is_closed(path) else None
    if found != count:
        what = "was not written to its end" if found is None else f"holds only {found} of {count} frames"
        raise OutputError(f"{name}: the video could not be kept, since it {what}: is the disk full?")


def _with_even_sides(frame: UInt8Image) -> UInt8Image:
    height, width = frame.shape[:2]
    return np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge") if height % 2 or width % 2 else frame
