"""Writing maps so that a file is there whole or not at all."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from signdiff_frnet.contract import UInt8Image
from signdiff_frnet.media import CutShortError
from signdiff_frnet.suffixes import VIDEO_CODECS, partial_name


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Lend a temporary name beside a file, and rename it to the file when the block succeeds.

    Args:
        path: the file that is wanted. An older one stays until the new one is whole.

    Yields:
        The name to write to, with the same suffix.

    Raises:
        OSError: the file can't be put there.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        temporary.touch()  # tells early, and in the words of the system, that nothing can be written here
    except OSError as error:
        raise OSError(error.errno, f"can't be written there: {error.strerror}", str(path)) from None
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_image(path: Path, image: UInt8Image) -> None:
    """Write a map losslessly.

    Args:
        path: its suffix names a lossless format.
        image: (H, W, 3) uint8.

    Raises:
        OSError: the file can't be written.
    """
    with replacing(path) as temporary:
        Image.fromarray(image).save(temporary)


def write_video(path: Path, frames: Iterable[UInt8Image], *, fps: float) -> None:
    """Write maps as a video, each as it comes.

    If the frames end in a :class:`CutShortError`, those before it are kept under another name
    (:func:`~signdiff_frnet.suffixes.partial_name`), playable, and ``path`` is left alone.

    Args:
        path: ``.mp4`` (MPEG-4, lossy), ``.mkv`` or ``.avi`` (FFV1, lossless).
        frames: (H, W, 3) uint8 each, all of one size; at least one. The codecs need even sides: an odd one gets its
            last pixels twice.
        fps: frames per second.

    Raises:
        CutShortError: the frames did; the message tells the name of what was kept.
        OSError: the file can't be written.
    """
    fourcc = cv2.VideoWriter.fourcc(*VIDEO_CODECS[path.suffix.lower()])
    with replacing(path) as temporary:
        writer = cv2.VideoWriter()
        try:
            for frame in map(_with_even_sides, frames):
                if not writer.isOpened() and not writer.open(
                    str(temporary), cv2.CAP_FFMPEG, fourcc, fps, (frame.shape[1], frame.shape[0])
                ):
                    raise OSError(f"{path}: this build of OpenCV can't write {path.suffix} videos.")
                writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        except CutShortError as error:
            writer.release()  # writes the index, without which the file is not playable
            temporary.replace(partial_name(path))
            raise CutShortError(f"{error} Their maps are in {partial_name(path)}.") from error
        finally:
            writer.release()


def _with_even_sides(frame: UInt8Image) -> UInt8Image:
    height, width = frame.shape[:2]
    return np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge") if height % 2 or width % 2 else frame
