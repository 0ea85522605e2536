"""The work of the command: a map for each file, and of a folder only those that an earlier run has not drawn."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from signdiff_frnet.commands import SomeFailedError, tell
from signdiff_frnet.contract import UInt8Image, resize_frame, resize_map, target_size, to_hwc3
from signdiff_frnet.files import OutputError
from signdiff_frnet.jobs import PROG, Job
from signdiff_frnet.ops import frnet
from signdiff_frnet.parameters import FRNetParameters
from signdiff_frnet.pictures import read_image
from signdiff_frnet.videos import probe_video, read_video
from signdiff_frnet.writing import replacing, write_image, write_video

JOURNAL_NAME = ".signdiff-frnet.jsonl"
"""File of a folder of maps: the settings in its first line, then a line for each map that is whole."""

_LARGEST_JOURNAL = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Drawer:
    """Draws the maps of files: at which size, with which parameters, and what stands beside them."""

    detect_resolution: int | None
    """Short side of the image in which strokes are looked for, in pixels; by default 512, for videos their own."""

    image_resolution: int | None
    """Short side of the map, in pixels; by default 512, for videos their own."""

    own_size: bool
    """Whether images are drawn at their own size by default, too."""

    scale_sizes: bool
    """Whether the parameters are meant for 512 pixels and are scaled to the image in which strokes are looked for."""

    side_by_side: bool
    """Whether the frame is put to the left of its map."""

    parameters: FRNetParameters

    def draw(self, job: Job) -> None:
        """Read one file, and write its map; a ValueError if it can't be read, or would grow beyond all bounds."""
        if job.is_video:
            timing = probe_video(job.source)
            total = timing.count or None
            with tqdm(read_video(job.source), total=total, unit="frame", disable=None, leave=False) as frames:
                write_video(job.target, (self._map(frame, None) for frame in frames), fps=timing.fps)
            if timing.is_variable:
                tell(
                    PROG,
                    f"note: {job.source}: its frame rate varies, that of its maps does not: at {timing.fps:.4g} frames "
                    f"per second, a map is shown up to {timing.drift:.2f} s before or after its frame (each frame has "
                    "its map)",
                )
            return
        frame = read_image(job.source)
        try:
            fr_map = self._map(frame, None if self.own_size else 512)
        except ValueError as error:
            raise ValueError(f"{job.source}: {error}") from error
        write_image(job.target, fr_map)

    def _map(self, frame: UInt8Image, default_resolution: int | None) -> UInt8Image:
        """Draw one map, (H', W', 3) uint8, twice as wide with the frame at its side; None is the frame's own size."""
        frame = to_hwc3(frame)
        detect_resolution = self.detect_resolution or default_resolution
        image_resolution = self.image_resolution or default_resolution
        searched = frame if detect_resolution is None else resize_frame(frame, detect_resolution)
        height, width = frame.shape[:2]
        if image_resolution is not None:
            height, width = target_size(searched.shape[0], searched.shape[1], image_resolution)
        parameters = self.parameters.for_resolution(min(searched.shape[:2])) if self.scale_sizes else self.parameters
        fr_map = to_hwc3(resize_map(frnet(searched, **asdict(parameters)), (height, width)))
        if not self.side_by_side:
            return fr_map
        if frame.shape != fr_map.shape:
            frame = np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        return np.hstack([frame, fr_map])


def draw_folder(jobs: Sequence[Job], folder: Path, drawer: Drawer, *, debug: bool) -> None:
    """Draw what is missing in a folder, as far as it can be drawn, and raise at the end what could not."""
    options = {name: value for name, value in vars(drawer).items() if name != "parameters"}
    journal = Journal(folder, options | asdict(drawer.parameters))
    missing = [job for job in jobs if not journal.has(job)]
    if len(missing) < len(jobs):
        tell(PROG, f"{len(jobs) - len(missing)} of {len(jobs)} maps are in {folder} already")
    failures: list[Exception] = []
    try:
        # disable=None: a bar on a terminal, nothing elsewhere.
        with tqdm(missing, unit="file", disable=None, leave=False) as bar:
            for job in bar:
                bar.set_postfix_str(job.source.name)
                try:
                    job.target.parent.mkdir(parents=True, exist_ok=True)
                    drawer.draw(job)
                    journal.add(job)
                except OutputError:  # the next file would fare no better
                    raise
                except (ValueError, OSError) as error:
                    if debug:
                        raise
                    failures.append(error)
    finally:
        for failure in failures:
            tell(PROG, failure)
    if failures and len(missing) > 1:
        tell(PROG, f"{len(failures)} of {len(missing)} files could not be drawn; the others are in {folder}")
    if failures:
        raise SomeFailedError


class Journal:
    """What a folder, made if missing, holds that was drawn with ``settings``, JSON values; other maps do not count."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self._folder, self._path = folder, folder / JOURNAL_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(error.errno, f"can't be written there: {error.strerror}", str(folder)) from None
        first = json.dumps({"settings": dict(settings)})
        lines = self._read()
        self._drawn = set(lines[1:]) if lines[:1] == [first] else set()
        if lines[:1] != [first]:
            with replacing(self._path) as temporary:
                temporary.write_text(first + "\n", encoding="utf-8")

    def has(self, job: Job) -> bool:
        """Tell whether a map is there, made of the file as it is now."""
        return job.target.is_file() and self._line(job) in self._drawn

    def add(self, job: Job) -> None:
        """Note that a map is drawn; call it when the map is in its place."""
        try:
            with self._path.open("ab", buffering=0) as file:
                file.write(self._line(job).encode() + b"\n")
                os.fsync(file.fileno())
        except OSError as error:
            raise OutputError(error.errno, f"can't be written: {error.strerror}", str(self._path)) from error

    def _line(self, job: Job) -> str:
        state = job.source.stat()
        target = job.target.relative_to(self._folder).as_posix()
        return json.dumps([target, job.source.name, state.st_size, state.st_mtime_ns])

    def _read(self) -> list[str]:
        """The whole lines; what a kill left of a last one is cut off."""
        if not self._path.is_file() or self._path.stat().st_size > _LARGEST_JOURNAL:
            return []
        whole, end, torn = self._path.read_bytes().rpartition(b"\n")
        if torn:
            os.truncate(self._path, len(whole) + len(end))
        return whole.decode("utf-8", "replace").split("\n")
