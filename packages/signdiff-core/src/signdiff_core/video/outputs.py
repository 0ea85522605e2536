"""Where frames go, by the suffix of a name: .mp4, .webm, .gif and .webp, and a folder of PNG for a name without one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from signdiff_core.atomic import check_writable, replacing
from signdiff_core.rates import MAX_FPS, as_fraction
from signdiff_core.video.encoding import BT601
from signdiff_core.video.folder import PictureFolder
from signdiff_core.video.folder import unfinished as unfinished_folder
from signdiff_core.video.reading import MAX_SIDE, VideoInfo
from signdiff_core.video.sound import sound_of
from signdiff_core.video.writing import VideoWriter
from signdiff_core.video.writing import unfinished as unfinished_video

RESUMED: Final = (".mp4", "")
"""Suffixes of what can be resumed."""

SOUNDING: Final = (".mp4", ".webm")
"""Suffixes of what holds sound."""

EVEN: Final = (".mp4", ".webm")
"""Suffixes of what holds frames of even sides only."""

TRANSPARENT: Final = (".webm", ".gif", ".webp", "")
"""Suffixes of what holds transparent pixels."""

SUFFIXES: Final = (".mp4", ".webm", ".gif", ".webp", "")
"""Suffixes that frames can be written to; without one, a folder of PNG."""

_MAX_GIF_FPS: Final = 50.0
"""A GIF counts hundredths of a second, and viewers slow down what is shown for less than two."""


def open_output(
    path: str | os.PathLike[str],
    fps: float,
    *,
    settings: Mapping[str, Any] | None = None,
    resume: bool | None = None,
    sound: str | os.PathLike[str] | None = None,
) -> VideoWriter | PictureFolder | Animation:
    """Open what frames are written to, which its name tells.

    Args:
        path: a file that ends in one of `SUFFIXES`; a name without suffix is a folder.
        fps: frames per second.
        settings: whatever decides the frames, as `VideoWriter` takes it.
        resume: continue what was interrupted, as `VideoWriter` does; only what ends in one of `RESUMED` can be.
        sound: a video whose sound goes with the frames where the file can hold it.

    Returns:
        A context manager with ``write(frame)``, ``frames`` and, at the end, ``info``.

    Raises:
        ValueError: the suffix is none of these, the rate cannot be kept, or ``resume`` is asked for where it cannot be.
        OSError: it cannot be written; see `VideoWriter`.
    """
    suffix = check_suffix(path)
    if resume and suffix not in RESUMED:
        raise ValueError(f"resume must not be given for {suffix}, which is written at once: only .mp4 and folders are.")
    if suffix == ".mp4":
        return VideoWriter(path, fps, settings=settings, resume=resume, sound=sound)
    if suffix == "":
        return PictureFolder(path, fps, settings=settings, resume=resume)
    return Animation(path, fps, sound=sound if suffix in SOUNDING else None)


def check_suffix(path: str | os.PathLike[str]) -> str:
    """Give the suffix, in small letters, of a name that frames can be written to.

    Raises ValueError for another one.

    Example:
        >>> check_suffix("hello.WebM"), check_suffix("frames")
        ('.webm', '')
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(
            f"path must end in {', '.join(filter(None, SUFFIXES))}, or have no suffix (a folder of PNG), but is "
            f"{os.fspath(path)!r}."
        )
    return suffix


def unfinished(path: str | os.PathLike[str]) -> int:
    """Tell how many frames an interrupted writer left of a video or a folder; 0 for what cannot be resumed."""
    kinds: dict[str, Callable[..., int]] = {".mp4": unfinished_video, "": unfinished_folder}
    look = kinds.get(check_suffix(path))
    return 0 if look is None else look(path)


class Animation:
    """Writes a WebM (VP9), GIF or animated WebP at once: it appears under its name when it is whole.

    Frames are (H, W, 3) uint8 RGB or (H, W, 4) RGBA. A GIF has one palette, which the first frames make.
    """

    def __init__(
        self, path: str | os.PathLike[str], fps: float, *, sound: str | os.PathLike[str] | None = None
    ) -> None:
        self.path = self.partial = Path(path)
        self._kind = self.path.suffix.lower()[1:]
        most = _MAX_GIF_FPS if self._kind == "gif" else MAX_FPS
        if not 0 < fps <= most or not as_fraction(fps):
            raise ValueError(f"fps must be from 1/1001 to {most:g} for .{self._kind}, but is {fps}.")
        check_writable(self.path)
        self.rate, self.frames = as_fraction(fps), 0
        self._sound = None if sound is None else Path(sound)
        self._shape: tuple[int, ...] = ()
        self._stack = ExitStack()
        self._waiting: list[NDArray[np.uint8]] = []
        self._stream: Any = None
        self._track: Any = None
        self._palette: _Palette | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._shape:
            try:
                self._write_waiting()
                self._mux(self._stream.encode())
                if self._track is not None:
                    self._track.write_until(float(self.frames / self.rate))
            except BaseException as failed:
                self._stack.__exit__(type(failed), failed, failed.__traceback__)
                raise
        elif error is not None:
            self.frames = 0
        self._stack.__exit__(kind, error, trace)
        if error is None and not self._shape:
            raise ValueError("a video must hold at least one frame, but none was written.")

    @property
    def info(self) -> VideoInfo:
        """What is written.

        Raises:
            ValueError: no frame is.
        """
        if not self._shape:
            raise ValueError("a video must hold at least one frame, but none was written.")
        codec, pixels = self._codec
        return VideoInfo(
            width=self._shape[1],
            height=self._shape[0],
            fps=float(self.rate),
            frames=self.frames,
            seconds=float(self.frames / self.rate),
            codec={"libvpx-vp9": "vp9", "libwebp_anim": "webp"}.get(codec, codec),
            pixel_format=pixels,
        )

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Add a frame.

        Raises:
            OSError: it cannot be written.
            ValueError: it has another shape or dtype than the first, or sides that the format does not hold.
        """
        if not self._shape:
            self._begin(frame)
        if frame.shape != self._shape or frame.dtype != np.uint8:
            raise ValueError(f"frame {self.frames} must be {self._shape} uint8, but is {frame.shape} {frame.dtype}.")
        self.frames += 1
        if self._kind == "gif" and self._palette is None:
            self._waiting.append(np.array(frame))
            if len(self._waiting) == _Palette.FRAMES:
                self._write_waiting()
        else:
            self._encode(frame)

    @property
    def _codec(self) -> tuple[str, str]:
        clear = self._shape[2] == 4
        kinds = {
            "webm": ("libvpx-vp9", "yuva420p" if clear else "yuv420p"),
            "webp": ("libwebp_anim", "bgra"),
            "gif": ("gif", "pal8"),
        }
        return kinds[self._kind]

    def _begin(self, frame: NDArray[np.uint8]) -> None:
        import av

        even = 2 if self._kind == "webm" else 1
        if frame.ndim != 3 or frame.shape[2] not in (3, 4) or frame.dtype != np.uint8:
            raise ValueError(f"frames must be (H, W, 3 or 4) uint8, but the first is {frame.shape} {frame.dtype}.")
        if any(side % even or not 2 <= side <= MAX_SIDE for side in frame.shape[:2]):
            what = "even sides" if even == 2 else "sides"
            raise ValueError(
                f"frames must have {what} from 2 to {MAX_SIDE}, but are {frame.shape[1]}x{frame.shape[0]}."
            )
        self._shape = frame.shape
        codec, pixels = self._codec
        options = {"webm": {"crf": "20", "b": "0", "cpu-used": "3"}, "webp": {"quality": "90"}, "gif": {}}[self._kind]
        if pixels == "yuva420p":
            options = {**options, "auto-alt-ref": "0"}  # VP9 has none beside transparency
        temporary = self._stack.enter_context(replacing(self.path))
        self._movie = self._stack.enter_context(
            av.open(
                temporary,
                "w",
                format=self._kind,
                options={"fflags": "bitexact"} if self._kind == "webm" else {"loop": "0"},
            )
        )
        stream = self._movie.add_stream(codec, rate=self.rate, options=options)
        stream.height, stream.width = frame.shape[:2]
        stream.pix_fmt = pixels
        stream.codec_context.thread_count = 1  # equal frames give equal files
        if self._kind == "webm":
            stream.codec_context.color_range = 1
            stream.codec_context.colorspace = stream.codec_context.color_primaries = BT601
            stream.codec_context.color_trc = BT601
        self._stream = stream
        self._done = 0
        self._track = self._stack.enter_context(sound_of(self._sound, self._kind, self._movie))

    def _write_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._palette = _Palette(waiting)
        for frame in waiting:
            self._encode(frame)

    def _encode(self, frame: NDArray[np.uint8]) -> None:
        import av

        if self._palette is not None:
            picture = av.VideoFrame.from_ndarray(self._palette.of(frame), format="pal8")
        else:
            kind = "rgba" if self._shape[2] == 4 else "rgb24"
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format=kind)
        picture.pts, picture.time_base = self._done, Fraction(1) / self.rate
        if self._track is not None:
            self._track.write_until(float(self._done / self.rate))
        self._done += 1
        self._mux(self._stream.encode(picture))

    def _mux(self, packets: list[Any]) -> None:
        for packet in packets:
            self._movie.mux(packet)


class _Palette:
    """Up to 255 colours out of some frames, (H, W, 3) RGB or (H, W, 4) RGBA, and one that is transparent.

    One for all frames of a GIF, so that colours do not flicker.
    """

    FRAMES: ClassVar[int] = 24
    """How many frames make it, at most."""

    def __init__(self, frames: list[NDArray[np.uint8]]) -> None:
        step = max(1, int(np.ceil(np.sqrt(len(frames) * frames[0].shape[0] * frames[0].shape[1] / 2**20))))
        pixels = np.concatenate([frame[::step, ::step].reshape(-1, frame.shape[2]) for frame in frames])
        if pixels.shape[1] == 4:
            opaque = pixels[:, 3] >= 128
            pixels = pixels[opaque, :3] if opaque.any() else np.zeros((1, 3), dtype=np.uint8)
        self._made = Image.fromarray(np.ascontiguousarray(pixels)[None]).quantize(255, dither=Image.Dither.NONE)
        colours = np.array((self._made.getpalette() or [])[: 3 * 255], dtype=np.uint8).reshape(-1, 3)
        self._table = np.zeros((256, 4), dtype=np.uint8)
        self._table[: len(colours), 1:], self._table[:255, 0] = colours, 255

    def of(self, frame: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Give a frame as numbers of colours, (H, W) uint8, and these as ARGB, (256, 4) uint8."""
        picture = Image.fromarray(np.ascontiguousarray(frame[..., :3]))
        numbers = np.array(picture.quantize(palette=self._made, dither=Image.Dither.NONE))
        if frame.shape[2] == 4:
            numbers[frame[..., 3] < 128] = 255
        return numbers, self._table
