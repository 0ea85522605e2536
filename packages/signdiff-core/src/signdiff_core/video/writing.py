"""Writing a video over a long time, so that it plays before it is whole and can be resumed."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from signdiff_core.atomic import check_writable, replacing
from signdiff_core.video.encoding import Encoding, Fragments, check_frame, group_length, write_whole
from signdiff_core.video.journal import Header, Journal
from signdiff_core.video.reading import VideoError, VideoInfo
from signdiff_core.video.sound import sound_of
from signdiff_core.wording import different_settings


class VideoWriter:
    """Writes a video over a long time: what was written is not lost when the process is interrupted, or dies.

    Until the video is whole it is ``NAME.partial.mp4``, which plays at any time and grows by about a second of video
    at once. Beside it, ``NAME.partial.resume`` holds the frames of the second that has begun. When the ``with`` block
    ends well, both become the file that was asked for; a video that was resumed equals, to the byte, one that was
    written without a break, and both equal what `write_video` writes.

    When the block is left by Ctrl-C (`KeyboardInterrupt`) or the like, the partial video is brought up to the last
    frame; after ``kill -9`` it ends at a whole second, and the frames after that are beside it. When it is left by an
    error, frames are kept if there is at least one second of them or if they were kept before.

    Args:
        path: the file to write, ending in ``.mp4``; an existing one is replaced when the new one is whole.
        fps: frames per second.
        crf: quality of x264, from 0 (lossless) to 51.
        settings: whatever decides the frames, as JSON values by name, such as a seed. A video is only resumed if they
            are the same.
        resume: continue an interrupted video if there is one. With ``False`` it is thrown away, at the first new
            frame; by default it is an error that there is one.
        sound: a video whose sound goes with the frames, as far as they reach.

    Raises:
        BlockingIOError: another process is at work on this video.
        FileExistsError: there is an interrupted video, and ``resume`` is not given.
        OSError: the file cannot be written.
        ValueError: ``path``, ``fps`` or ``crf`` is out of range, or the interrupted video is another one.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> def draw(number):
        ...     return np.full((32, 32, 3), number, np.uint8)
        >>> with tempfile.TemporaryDirectory() as home:
        ...     path = Path(home) / "long.mp4"
        ...     try:
        ...         with VideoWriter(path, 25, settings={"seed": 0}) as video:
        ...             for number in range(60):
        ...                 video.write(draw(number))
        ...                 if number == 40:
        ...                     raise KeyboardInterrupt
        ...     except KeyboardInterrupt:
        ...         print(unfinished(path), sorted(file.name for file in path.parent.iterdir()))
        ...     with VideoWriter(path, 25, settings={"seed": 0}, resume=True) as video:
        ...         for number in range(video.frames, 60):
        ...             video.write(draw(number))
        ...     print(video.info.frames, [file.name for file in path.parent.iterdir()])
        41 ['long.partial.mp4', 'long.partial.resume']
        60 ['long.mp4']
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        fps: float,
        *,
        crf: int = 18,
        settings: Mapping[str, Any] | None = None,
        resume: bool | None = None,
        sound: str | os.PathLike[str] | None = None,
    ) -> None:
        import av

        self.path = Path(path)
        self._sound = None if sound is None else Path(sound)
        self.partial, self._state = _partial(self.path)
        self._encoding = Encoding(fps=fps, crf=crf)
        own = {
            "fps": str(self._encoding.rate),
            "crf": crf,
            "signdiff-core": version("signdiff-core"),
            "PyAV": av.__version__,
        }
        self._settings = json.loads(json.dumps({**own, **(settings or {})}))
        check_writable(self.path)
        self._fragments, self._groups = Fragments(self.partial), 0
        self._journal: Journal | None = None
        left = 0 if resume is False else unfinished(self.path)
        if left and resume is None:
            raise FileExistsError(
                f"{self.partial}: an interrupted video of {left:,} frames is there; give resume=True to continue it, "
                f"or resume=False to throw it away."
            )
        if not left and resume is not False and self.partial.exists():
            raise FileExistsError(f"{self.partial} is in the way: it cannot be resumed without {self._state}.")
        if left:
            self._journal = self._resume()
        self._was_there = self.frames > 0

    @property
    def frames(self) -> int:
        """How many frames are written: the number of the next one."""
        if self._journal is None:
            return 0
        return self._groups * group_length(self._journal.header.shape) + self._journal.count

    @property
    def info(self) -> VideoInfo:
        """What is written.

        Raises:
            ValueError: no frame is.
        """
        if self._journal is None:
            raise ValueError("a video must hold at least one frame, but none was written.")
        return self._encoding.info(self._journal.header.shape, self.frames)

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Add a frame.

        Args:
            frame: (H, W, 3) uint8 RGB, of the size of those before; H and W even.

        Raises:
            OSError: it cannot be written.
            ValueError: it has another shape or dtype.
        """
        journal = self._journal
        shape = check_frame(frame, self.frames, None if journal is None else journal.header.shape)
        if journal is None:
            header = Header(shape=shape, settings=self._settings)
            journal = self._journal = Journal(self._state, header, fragments=self.partial)
        journal.append(self.frames, frame)
        if journal.is_full:
            self._close_group(journal)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._finish()
            elif self._journal is not None:
                self._keep(self._journal, is_interrupted=not isinstance(error, Exception))
        finally:
            if self._journal is not None:
                self._journal.close()

    def _resume(self) -> Journal:
        journal = Journal(self._state)
        try:
            if others := different_settings(journal.header.settings, self._settings):
                raise ValueError(f"{self.partial}: expected a video of the same settings, but {', '.join(others)}.")
            self._settle(journal)
            if journal.is_full:
                self._close_group(journal)
        except BaseException:
            journal.close()
            raise
        return journal

    def _settle(self, journal: Journal) -> None:
        """Bring what is known here and what is in the files to what is whole."""
        journal.settle()
        self._groups = _groups(journal, self._fragments)
        if self._fragments.count() < self._groups:
            raise VideoError(f"{self.partial}: expected the frames before {journal.first}, but not all are there.")
        self._fragments.keep(self._groups)

    def _close_group(self, journal: Journal) -> None:
        self._add(journal)
        journal.clear()
        self._groups += 1

    def _add(self, journal: Journal) -> None:
        """Add the journal's frames to the partial video."""
        if journal.count:
            start = self._groups * group_length(journal.header.shape)
            movie = self._encoding.encode(journal.frames(), start=start)
            self._fragments.append(movie, journal.count, number=self._groups)

    def _finish(self) -> None:
        journal = self._journal
        if journal is None:
            raise ValueError("a video must hold at least one frame, but none was written.")
        self._add(journal)
        with replacing(self.path) as temporary:
            write_whole(self.partial, temporary, sound=partial(sound_of, self._sound, "mp4"))
        self._remove(journal)

    def _keep(self, journal: Journal, *, is_interrupted: bool) -> None:
        # Where the disk is full, what is in the files is safe, and the error that ends the block tells more.
        with contextlib.suppress(OSError):
            self._settle(journal)
            if is_interrupted or self._groups or self._was_there:
                self._add(journal)
            else:
                self._remove(journal)
                self._journal = None

    def _remove(self, journal: Journal) -> None:
        journal.close()
        self.partial.unlink(missing_ok=True)
        self._state.unlink(missing_ok=True)


def unfinished(path: str | os.PathLike[str]) -> int:
    """Tell how many frames of a video an interrupted `VideoWriter` left.

    Args:
        path: the file that was to be written.

    Returns:
        The number of frames after which it can be resumed; 0 if there are none.

    Raises:
        VideoError: what is left is damaged.
    """
    partial, state = _partial(Path(path))
    try:
        # It is empty for a moment, before the first frame.
        if not state.stat().st_size:
            return 0
        journal = Journal(state, read_only=True)
    except FileNotFoundError:
        return 0
    journal.close()
    return _groups(journal, Fragments(partial)) * group_length(journal.header.shape) + journal.count


def _partial(path: Path) -> tuple[Path, Path]:
    return path.with_name(f"{path.stem}.partial.mp4"), path.with_name(f"{path.stem}.partial.resume")


def _groups(journal: Journal, fragments: Fragments) -> int:
    """Count the groups that are done with: those before the journal's frames, whose fragment may be there as well."""
    length = group_length(journal.header.shape)
    return fragments.count(frames=length) if journal.first is None else journal.first // length
