"""Reading videos as RGB frames, and when each is shown; animated pictures are videos too."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from signdiff_frnet.contract import UInt8Image
from signdiff_frnet.files import ANIMATED_SUFFIXES, COUNTED_SUFFIXES, CutShortError, MediaError, is_cut_short
from signdiff_frnet.pictures import animation_times, read_animation

_NOT_DECODED = (
    "{path}: expected a video that OpenCV {opencv} decodes, but it decodes no frame of this one, whose codec is "
    "{codec}: convert it, for example to H.264."
)
_NO_FRAME_LEFT = "{path}: the video is cut short: so much is missing that no frame can be decoded."


@dataclass(frozen=True, kw_only=True)
class Timing:
    """The frame rate of a video, and how well it fits."""

    fps: float
    """Frames per second."""

    count: int
    """Number of frames; a guess, 0 where unknown."""

    drift: float = 0.0
    """Largest distance in seconds between when a frame is shown and when it would be at ``fps``."""

    @property
    def is_variable(self) -> bool:
        """Whether some frame would be shown a whole frame too early or too late."""
        return self.drift > 1 / self.fps


def read_video(path: Path) -> Iterator[UInt8Image]:
    """Read a video, or an animated picture, frame by frame, one at a time: (H, W, 3) RGB, or of a picture RGBA, uint8.

    A MediaError if it is no video, has no frames, or OpenCV does not decode them; a CutShortError after the last frame,
    if the file should have held more.
    """
    if path.suffix.lower() in ANIMATED_SUFFIXES:
        yield from read_animation(path)
        return
    with _opened(path) as video:
        promised = max(0, int(video.get(cv2.CAP_PROP_FRAME_COUNT)))
        codec = _name_of_codec(video)
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
        raise MediaError(_NOT_DECODED.format(path=path, opencv=cv2.__version__, codec=codec))
    # Only MP4's index counts frames; the others state a duration. An edit list may skip a few of those counted.
    lost = path.suffix.lower() in COUNTED_SUFFIXES and count < 0.95 * promised
    if lost or is_cut_short(path):
        of = f" of {promised}" if count < promised else ""
        raise CutShortError(f"{path}: the video is cut short or damaged: only {count}{of} frames can be decoded.")


def probe_video(path: Path) -> Timing:
    """Find the constant frame rate that fits a video best, and how well it does, without decoding it."""
    if path.suffix.lower() in ANIMATED_SUFFIXES:
        times = animation_times(path)
        return constant_rate(times[:-1], (len(times) - 1) / times[-1])
    with _opened(path) as video:
        fps = video.get(cv2.CAP_PROP_FPS)
        return constant_rate(list(_packet_times(video)), fps if np.isfinite(fps) and fps > 0 else 25.0)


def constant_rate(times: Sequence[float], stated: float) -> Timing:
    """Choose the constant frame rate for frames that are shown at ``times``, in seconds, in any order.

    It is the stated one, or the average where that fits better and some frame would be a frame away.

    Example:
        >>> constant_rate([0.0, 0.5, 1.0, 1.5], 2).drift
        0.0
        >>> constant_rate([0.0, 0.125, 0.25, 1.5], 8)
        Timing(fps=2.0, count=4, drift=0.75)
    """
    shown = np.sort(np.asarray(times, float))
    if len(shown) < 2 or not np.isfinite(shown).all() or any(a == b for a, b in pairwise(shown)):
        return Timing(fps=stated, count=len(times))
    options = [
        Timing(fps=fps, count=len(times), drift=float(np.abs(shown - shown[0] - np.arange(len(shown)) / fps).max()))
        for fps in (stated, (len(shown) - 1) / float(shown[-1] - shown[0]))
    ]
    return min(options, key=lambda option: option.drift) if options[0].is_variable else options[0]


def count_packets(path: Path) -> int:
    """Count the encoded frames of a video, without decoding them."""
    try:
        with _opened(path) as video:
            return sum(1 for _ in _packet_times(video))
    except MediaError:
        return 0


def _packet_times(video: cv2.VideoCapture) -> Iterator[float]:
    """Go through the encoded frames, and say when each is shown, in seconds; in the order of the file."""
    video.set(cv2.CAP_PROP_FORMAT, -1)  # OpenCV's way to say: undecoded
    while video.grab():
        yield video.get(cv2.CAP_PROP_POS_MSEC) / 1000


def _name_of_codec(video: cv2.VideoCapture) -> str:
    number = int(video.get(cv2.CAP_PROP_FOURCC)) % 2**32  # OpenCV's is signed, and of a damaged file anything
    name = number.to_bytes(4, "little").decode("latin-1")
    return name.strip("\0 ") if name.strip("\0 ").isprintable() else repr(name)


@contextmanager
def _opened(path: Path) -> Iterator[cv2.VideoCapture]:
    path.open("rb").close()  # OpenCV would not say why a file can't be opened
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        if not video.isOpened() and is_cut_short(path):
            raise MediaError(_NO_FRAME_LEFT.format(path=path))
        if not video.isOpened():
            if video.open(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_FORMAT, -1]):  # as it is, without a decoder
                codec = _name_of_codec(video)
                raise MediaError(_NOT_DECODED.format(path=path, opencv=cv2.__version__, codec=codec))
            raise MediaError(f"{path}: expected a video, but its content is of no known format.")
        yield video
    finally:
        video.release()
