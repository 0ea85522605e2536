"""Frames as a folder of PNG, which plays in nothing and is kept by everything; it can be resumed at any frame."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from signdiff_core.atomic import move_folder, replacing
from signdiff_core.rates import MAX_FPS, as_fraction
from signdiff_core.video.reading import MAX_SIDE, VideoError, VideoInfo
from signdiff_core.wording import different_settings

_SETTINGS: Final = "settings.json"


class PictureFolder:
    """Writes frames as ``000000.png`` and so on, (H, W, 3) uint8 RGB or (H, W, 4) RGBA each.

    Until it is whole, the folder is ``NAME.partial``; with ``resume`` it is continued after its last frame.

    Args:
        path: the folder to make, which must not exist, or be empty.
        fps: frames per second, which the pictures themselves do not tell.
        settings: whatever decides the frames, as JSON values by name; a folder is only resumed if they are the same.
        resume: continue an interrupted folder if there is one. With ``False`` it is thrown away; by default it is an
            error that there is one.

    Raises:
        FileExistsError: the folder has content, or an interrupted one is there and ``resume`` is not given.
        FileNotFoundError: there is no folder to make it in.
        ValueError: ``fps`` is out of range, or the interrupted folder is another one.
        VideoError: what is left is damaged.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        fps: float,
        *,
        settings: Mapping[str, Any] | None = None,
        resume: bool | None = None,
    ) -> None:
        if not 0 < fps <= MAX_FPS or not as_fraction(fps):
            raise ValueError(f"fps must be from 1/1001 to {MAX_FPS:g}, but is {fps}.")
        self.path, self.rate = Path(path), as_fraction(fps)
        self.partial = _partial(self.path)
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise FileExistsError(f"cannot write {self.path}: expected a new or an empty folder.")
        if not self.path.absolute().parent.is_dir():
            raise FileNotFoundError(f"cannot write {self.path}: the folder {self.path.parent} does not exist.")
        own = {"fps": str(self.rate), "signdiff-core": version("signdiff-core")}
        self._settings = json.loads(json.dumps({**own, **(settings or {})}))
        left = unfinished(self.path)
        if left and resume is None:
            raise FileExistsError(
                f"{self.partial}: an interrupted folder of {left:,} frames is there; give resume=True to continue it, "
                f"or resume=False to throw it away."
            )
        self.frames = left if resume else 0
        self._shape: tuple[int, ...] = ()
        if self.frames:
            if others := different_settings(_read_settings(self.partial), self._settings):
                raise ValueError(f"{self.partial}: expected frames of the same settings, but {', '.join(others)}.")
            self._shape = _read(self.partial / _name(self.frames - 1)).shape
        self._was_there = self.frames > 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            if isinstance(error, Exception) and not self._was_there and self.frames < 24:
                shutil.rmtree(self.partial, ignore_errors=True)
                self.frames = 0
            return
        if not self.frames:
            raise ValueError("a folder must hold at least one frame, but none was written.")
        move_folder(self.partial, self.path)
        (self.path / _SETTINGS).unlink()

    @property
    def info(self) -> VideoInfo:
        """What is written.

        Raises:
            ValueError: no frame is.
        """
        if not self._shape:
            raise ValueError("a folder must hold at least one frame, but none was written.")
        return VideoInfo(
            width=self._shape[1],
            height=self._shape[0],
            fps=float(self.rate),
            frames=self.frames,
            seconds=float(self.frames / self.rate),
            codec="png",
            pixel_format="rgba" if self._shape[2] == 4 else "rgb24",
        )

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Add a frame.

        Raises:
            OSError: it cannot be written.
            ValueError: it has another shape or dtype than the first, or is no picture.
        """
        from PIL import Image

        if not self._shape:
            if frame.ndim != 3 or frame.shape[2] not in (3, 4) or not 1 <= max(frame.shape[:2]) <= MAX_SIDE:
                raise ValueError(f"frames must be (H, W, 3 or 4) uint8, but the first is {frame.shape} {frame.dtype}.")
            self._shape = frame.shape
        if frame.shape != self._shape or frame.dtype != np.uint8:
            raise ValueError(f"frame {self.frames} must be {self._shape} uint8, but is {frame.shape} {frame.dtype}.")
        if not self.frames:
            shutil.rmtree(self.partial, ignore_errors=True)
            self.partial.mkdir()
            with replacing(self.partial / _SETTINGS) as temporary:
                temporary.write_text(json.dumps(self._settings))
        with replacing(self.partial / _name(self.frames)) as temporary:
            Image.fromarray(np.ascontiguousarray(frame)).save(temporary, format="PNG", compress_level=4)
        self.frames += 1


def unfinished(path: str | os.PathLike[str]) -> int:
    """Tell how many frames of a folder an interrupted `PictureFolder` left; 0 if there are none.

    Raises VideoError where what is there was not left by one.
    """
    partial = _partial(Path(path))
    if not partial.is_dir():
        return 0
    names = {file.name for file in partial.iterdir()}
    if names and _SETTINGS not in names:
        raise VideoError(f"{partial} is in the way: it is not what an interrupted folder of frames leaves.")
    count = 0
    while _name(count) in names:
        count += 1
    return count


def _partial(path: Path) -> Path:
    return path.with_name(f"{path.name}.partial")


def _name(number: int) -> str:
    return f"{number:06d}.png"


def _read_settings(folder: Path) -> dict[str, Any]:
    from signdiff_core.formats.files import load_json

    settings = load_json(folder / _SETTINGS)
    if not isinstance(settings, dict):
        raise VideoError(f"{folder}: expected what an interrupted folder leaves, but it is damaged.")
    return settings


def _read(path: Path) -> NDArray[np.uint8]:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return np.asarray(picture)
    except (OSError, SyntaxError) as error:
        raise VideoError(f"{path}: expected a frame that was written, but it cannot be read.") from error
