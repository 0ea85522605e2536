"""The sound of one video, put into another: copied where its kind of file can hold it, else encoded anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from signdiff_core.video.reading import VideoError

_COPIED: Final = {"mp4": ("aac", "mp3", "ac3", "opus", "alac"), "webm": ("opus", "vorbis")}
"""Codecs of sound that each kind of file holds."""

_ENCODER: Final = {"mp4": "aac", "webm": "libopus"}
_RATE: Final = 48_000
"""Samples per second of sound that is encoded anew: one that each encoder takes."""


def has_sound(path: Path) -> bool:
    """Tell whether a video has sound; VideoError where it cannot be read."""
    with _opened(path) as file:
        return bool(file.streams.audio)


@contextmanager
def sound_of(path: Path | None, kind: str, movie: Any) -> Iterator[SoundTrack | None]:
    """Open the sound of a video for a movie, PyAV's container, that is being written as "mp4" or "webm".

    It gives None where there is no video, or none with sound. Raises VideoError where it cannot be read.
    """
    if path is None:
        yield None
        return
    with _opened(path) as file:
        yield SoundTrack(file, movie, kind) if file.streams.audio else None


class SoundTrack:
    """Sound that is written piece by piece, between the packets of the pictures."""

    def __init__(self, file: Any, movie: Any, kind: str) -> None:
        self._movie = movie
        taken = file.streams.audio[0]
        pictures = file.streams.video[0] if file.streams.video else None
        # Time 0 is where the source's pictures begin.
        start = float((pictures.start_time or 0) * pictures.time_base) if pictures is not None else 0.0
        if taken.codec_context.name in _COPIED[kind]:
            stream = movie.add_stream_from_template(taken)
            self._packets = _copied(file, taken, stream, start)
        else:
            layout = "mono" if taken.codec_context.layout.nb_channels == 1 else "stereo"
            stream = movie.add_stream(_ENCODER[kind], rate=_RATE, layout=layout)
            self._packets = _encoded(file, taken, stream, layout, start)
        self._next: tuple[float, Any] | None = None

    def write_until(self, seconds: float) -> None:
        """Write what begins before a time of the video."""
        while True:
            if self._next is None:
                self._next = next(self._packets, None)
            if self._next is None or self._next[0] >= seconds:
                return
            self._movie.mux(self._next[1])
            self._next = None


def _copied(file: Any, taken: Any, stream: Any, start: float) -> Iterator[tuple[float, Any]]:
    for packet in file.demux(taken):
        if packet.dts is None:
            continue
        shift = round(start / packet.time_base)
        packet.pts, packet.dts = (None if packet.pts is None else packet.pts - shift), packet.dts - shift
        packet.stream = stream
        yield float(packet.dts * packet.time_base), packet


def _encoded(file: Any, taken: Any, stream: Any, layout: str, start: float) -> Iterator[tuple[float, Any]]:
    import av

    resampler = av.AudioResampler(format=stream.codec_context.format, layout=layout, rate=_RATE)
    done: int | None = None
    for frame in _frames(file, taken):
        for part in resampler.resample(frame):
            if done is None:
                first = float(frame.pts * frame.time_base) if frame is not None and frame.pts is not None else 0.0
                done = round((first - start) * _RATE)
            part.pts, part.time_base = done, Fraction(1, _RATE)
            done += part.samples
            yield from _timed(stream.encode(part))
    yield from _timed(stream.encode(None))


def _frames(file: Any, taken: Any) -> Iterator[Any]:
    yield from file.decode(taken)
    yield None  # what the resampler still holds


def _timed(packets: list[Any]) -> Iterator[tuple[float, Any]]:
    for packet in packets:
        yield float((packet.dts or 0) * packet.time_base), packet


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import av

    try:
        with av.open(path, metadata_errors="replace") as file:
            yield file
    except av.error.FFmpegError as error:
        raise VideoError(f"{path}: expected a video with sound, but it cannot be read ({error.strerror}).") from error
