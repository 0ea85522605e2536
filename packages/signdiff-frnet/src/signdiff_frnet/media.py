"""Reading images and videos as RGB frames."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from signdiff_frnet.containers import is_cut_short
from signdiff_frnet.contract import UInt8Image, to_array
from signdiff_frnet.suffixes import COUNTED_SUFFIXES, IMAGE_SUFFIXES, VIDEO_SUFFIXES

_NO_FRAME_LEFT = "{path}: the video is cut short: so much is missing that no frame can be decoded."


class MediaError(ValueError):
    """A file that holds no readable image or video."""


class CutShortError(MediaError):
    """A video whose end can't be read; what came before it was."""


def is_video(path: Path) -> bool:
    """Tell a video from an image by its suffix.

    Args:
        path: a file that is one of the two.

    Raises:
        MediaError: the suffix is that of neither.
    """
    suffix = path.suffix.lower()
    if suffix in VIDEO_SUFFIXES:
        return True
    if suffix in IMAGE_SUFFIXES:
        return False
    known = " ".join((*IMAGE_SUFFIXES, *VIDEO_SUFFIXES))
    raise MediaError(f"{path}: expected an image or a video, with one of the suffixes {known}.")


def read_image(path: Path) -> UInt8Image:
    """Read an image the right way up.

    Args:
        path: an image of any format and mode that Pillow turns into RGB.

    Returns:
        (H, W, 3) RGB or (H, W, 4) RGBA, uint8.

    Raises:
        MediaError: the file is no image, is cut short, or has too many pixels to be one.
        OSError: the file can't be opened.
    """
    try:
        with Image.open(path) as opened:
            upright = ImageOps.exif_transpose(opened)
            return to_array(upright.convert("RGBA" if upright.has_transparency_data else "RGB"))
    except UnidentifiedImageError:
        raise MediaError(f"{path}: expected an image, but its content is of no known format.") from None
    except OSError as error:
        if error.filename is not None:
            raise
        raise MediaError(f"{path}: expected an image, but it can't be decoded: {error}") from error
    except (Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise MediaError(f"{path}: expected an image, but it can't be decoded: {error}") from error


def read_video(path: Path) -> Iterator[UInt8Image]:
    """Read a video frame by frame; one frame is held at a time.

    Args:
        path: a video of any format that OpenCV's FFmpeg decodes.

    Yields:
        (H, W, 3) RGB uint8.

    Raises:
        MediaError: the file is no video, or has no frames.
        CutShortError: after the last frame, if the file should have held more.
        OSError: the file can't be opened.
    """
    with _opened(path) as video:
        promised = max(0, int(video.get(cv2.CAP_PROP_FRAME_COUNT)))
        count = 0
        while True:
            found, frame = video.read()
            if not found:
                break
            count += 1
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
    if not count:
        if is_cut_short(path):
            raise MediaError(_NO_FRAME_LEFT.format(path=path))
        raise MediaError(f"{path}: expected a video, but it holds no frame that can be decoded.")
    # Only MP4's index counts frames; the others state a duration. An edit list may skip a few of those counted.
    lost = path.suffix.lower() in COUNTED_SUFFIXES and count < 0.95 * promised
    if lost or is_cut_short(path):
        of = f" of {promised}" if count < promised else ""
        raise CutShortError(f"{path}: the video is cut short or damaged: only {count}{of} frames can be decoded.")


def probe_video(path: Path) -> tuple[float, int]:
    """Ask a video for its frame rate and its length.

    Args:
        path: a video.

    Returns:
        Frames per second, and the number of frames that its header states (a guess, 0 where unknown).

    Raises:
        MediaError: the file is no video.
        OSError: the file can't be opened.
    """
    with _opened(path) as video:
        fps = video.get(cv2.CAP_PROP_FPS)
        return (fps if np.isfinite(fps) and fps > 0 else 25.0), max(0, int(video.get(cv2.CAP_PROP_FRAME_COUNT)))


@contextmanager
def _opened(path: Path) -> Iterator[cv2.VideoCapture]:
    path.open("rb").close()  # OpenCV would not say why a file can't be opened
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        if not video.isOpened() and is_cut_short(path):
            raise MediaError(_NO_FRAME_LEFT.format(path=path))
        if not video.isOpened():
            raise MediaError(f"{path}: expected a video, but its content is of no known format.")
        yield video
    finally:
        video.release()
