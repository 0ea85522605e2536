"""Frames to H.264, in groups that are encoded one by one.

A group begins with a key frame and depends on no other, not even by the encoder's rate control: so a video that was
interrupted between two groups goes on with the very bytes that it would have had.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from signdiff_core.rates import as_fraction
from signdiff_core.video.info import MAX_SIDE, VideoInfo

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_BT601: Final = 6
"""FFmpeg's number of SMPTE 170M, the matrix by which RGB becomes YUV here: players then show the same colours."""

_GROUP_FRAMES: Final = 24
_GROUP_BYTES: Final = 2**28
"""A group holds fewer frames where they are so large that they would take more memory than this."""

_DELAY: Final = 2
"""Frames by which decoding runs ahead of showing, as B-frames that refer to each other need."""

# x264's macroblock tree is not reproducible: equal frames then give other bytes now and then.
_X264: Final = "mbtree=0:keyint=infinite:scenecut=0:bframes=3:b-pyramid=normal"


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How frames are encoded.

    Args:
        fps: frames per second; kept as the nearest fraction with a denominator of at most 1001.
        crf: quality of x264, from 0 (lossless) to 51.

    Raises:
        ValueError: a number is out of range.
    """

    fps: float
    crf: int

    def __post_init__(self) -> None:
        if not 0 < self.fps <= 1000:
            raise ValueError(f"fps must be in (0, 1000], but is {self.fps}.")
        if not 0 <= self.crf <= 51:
            raise ValueError(f"crf must be between 0 and 51, but is {self.crf}.")
        if not self.rate:
            raise ValueError(f"fps must be at least 1/1001, but is {self.fps}.")

    @property
    def rate(self) -> Fraction:
        """Frames per second."""
        return as_fraction(self.fps)

    def encode(self, frames: Iterable[NDArray[np.uint8]], *, start: int) -> bytes:
        """Encode a group of frames.

        Args:
            frames: (H, W, 3) uint8 RGB each, of one size, as `check_frame` wants them; at least one.
            start: number of the first one in the video.

        Returns:
            A fragmented MP4 file with one fragment.
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
                    stream.codec_context.colorspace = stream.codec_context.color_primaries = _BT601
                    stream.codec_context.color_trc = _BT601
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
                picture.pts = number
                picture.time_base = 1 / self.rate
                mux(stream.encode(picture))
            mux(stream.encode())
        return file.getvalue()

    def info(self, shape: tuple[int, int], frames: int) -> VideoInfo:
        """Tell what a video is that was encoded so.

        Args:
            shape: height and width.
            frames: how many.
        """
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
    """Check a frame before it is encoded.

    Args:
        frame: (H, W, 3) uint8.
        number: its place in the video, for the message.
        shape: height and width of those before; None for the first one.

    Returns:
        Its height and width.

    Raises:
        ValueError: it is no picture that H.264 takes, or of another size than those before.
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
