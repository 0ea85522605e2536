"""The frames of a video at a steady rate: phones and screen recorders leave pictures out, or show some for longer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core.rates import MAX_FPS, as_fraction, same_rate
from signdiff_core.video.reading import VideoError, opened, probe, upright

SUFFIXES: Final = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm")
"""Suffixes, in lower case, by which a file is taken for a video."""

_UNEVEN: Final = 0.3
"""By how much, as a share of a frame, times are off in a video that is called steady: files round to milliseconds."""

_CUT_SHORT: Final = 1.0
"""By how many seconds a video may end before the time that its file tells."""


class SteadyVideo:
    """The frames of a video, upright, at times that are evenly spaced.

    The times of all pictures are looked at first, which takes no decoding. A video of a steady rate is given as it is;
    of any other, each frame is the picture that is shown at its time, at the mean rate. After the frames were read,
    `repeated` tells how many show the picture before them again, `dropped` how many pictures none of them shows.

    Args:
        path: a file in any format that FFmpeg reads.

    Raises:
        FileNotFoundError: there is no such file.
        VideoError: it is not a video, is damaged or cut short, or has no frame rate that a video can have.

    Example:
        >>> import tempfile
        >>> from signdiff_core.video.encoding import write_video
        >>> with tempfile.TemporaryDirectory() as home:
        ...     _ = write_video(f"{home}/a.mp4", [np.full((32, 48, 3), 9, np.uint8)] * 5, 25)
        ...     video = SteadyVideo(f"{home}/a.mp4")
        ...     video.frames, video.fps, video.is_steady, len(list(video))
        (5, 25.0, True, 5)
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path
        self.info = probe(path)
        times = self._times()
        apart = [after - before for before, after in pairwise(times)]
        usual = median(apart) if apart else 0
        self.is_steady = all(abs(step - usual) <= _UNEVEN * usual for step in apart)
        fps = self.info.fps
        if self.is_steady and apart:
            measured = float(len(apart) / (times[-1] - times[0]))
            fps = fps if same_rate(fps, measured) else measured  # means count how long the last picture stays
        if not 1 / MAX_FPS <= fps <= MAX_FPS:
            raise VideoError(f"{path}: expected a video with a frame rate up to {MAX_FPS:g}, but it has {fps:g}.")
        self.fps = float(as_fraction(fps))
        """Frames per second."""
        lasts = float(times[-1] - times[0] + (usual or 1 / fps))
        self.frames = len(times) if self.is_steady else max(1, round(lasts * self.fps))
        """About how many frames there are."""
        self.repeated = self.dropped = 0

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        """Decode frame by frame, (H, W, 3) uint8 RGB: memory does not grow with the length.

        Raises:
            VideoError: the video is damaged.
        """
        self.repeated = self.dropped = 0
        with opened(self.path) as (file, stream):
            pictures = file.decode(stream)
            if self.is_steady:
                yield from map(upright, pictures)
                return
            yield from self._at_even_times(pictures)

    def _at_even_times(self, pictures: Iterator[Any]) -> Iterator[NDArray[np.uint8]]:
        step, number, start = 1 / as_fraction(self.fps), 0, None
        held: NDArray[np.uint8] | None = None
        given = 0
        for picture in pictures:
            at = _seconds(picture)
            if at is None:
                continue
            start = at if start is None else start
            # A picture is shown from the frame on whose middle comes after it.
            while held is not None and (number + Fraction(1, 2)) * step < at - start:
                yield held
                number, given = number + 1, given + 1
            self._count(given, has_picture=held is not None)
            held, given = upright(picture), 0
        while held is not None and (given == 0 or number < self.frames):
            yield held
            number, given = number + 1, given + 1
        self._count(given, has_picture=held is not None)

    def _count(self, given: int, *, has_picture: bool) -> None:
        self.repeated += max(0, given - 1)
        self.dropped += has_picture and given == 0

    def _times(self) -> list[Fraction]:
        """The seconds at which pictures are shown, in order; a picture that tells none counts as one after another."""
        known, count = [], 0
        with opened(self.path) as (file, stream):
            for packet in file.demux(stream):
                if packet.size and not packet.is_discard:
                    count += 1
                    if (at := _seconds(packet)) is not None:
                        known.append(at)
            told = _duration(file, stream)
        if not count:
            raise VideoError(f"{self.path}: expected a video, but it holds no frame.")
        known.sort()
        if len(known) < count or (count > 1 and known[0] == known[-1]):  # times that tell nothing
            rate = as_fraction(min(max(self.info.fps, 1 / MAX_FPS), MAX_FPS))
            return [number / rate for number in range(count)]
        ends = float(known[-1])
        if told - ends > _CUT_SHORT:
            raise VideoError(
                f"{self.path}: expected {told:.1f} seconds, as the file says, but it ends after {ends:.1f}: "
                "it is cut short."
            )
        return known


def _seconds(picture: Any) -> Fraction | None:
    """The second at which a packet or frame of PyAV is to be shown, if it says so."""
    return None if picture.pts is None or picture.time_base is None else picture.pts * picture.time_base


def _duration(file: Any, stream: Any) -> float:
    """How many seconds the pictures last, as the file says; 0 if it does not."""
    if stream.duration and stream.time_base:
        return float((stream.duration + (stream.start_time or 0)) * stream.time_base)
    hours, _, rest = (stream.metadata or {}).get("DURATION", "").partition(":")  # as Matroska files have it
    minutes, _, seconds = rest.partition(":")
    try:
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return float(file.duration or 0) / 1_000_000 if len(file.streams) == 1 else 0.0
