"""Prepare the clips of a shard, and store what came of each: there whole or not at all."""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core.atomic import replacing
from signdiff_core.diffusion.frmap import FRMapper
from signdiff_core.engines import Shard, Work
from signdiff_core.prepare.clip import ClipReader, Sample
from signdiff_core.prepare.gather import Clip
from signdiff_core.prepare.plan import Settings, hashes_of
from signdiff_core.prepare.writer import clip_archive, clip_folder, join_archives
from signdiff_core.sealed import read_sealed, write_sealed

COLUMNS: Final = {"folder": 1, "webdataset": 5}
"""Numbers of a frame's row: its own, and in an archive the places and sizes of image and map."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """What came of a clip: facts, with ``reason`` and ``trace`` if it failed, and its frames.

    Joints are (N, 50 or 124, 3) float32, rows (N, 1 or 5) int64; see `COLUMNS`. Places are those in the clip's own
    archive.
    """

    joints: NDArray[np.float32]
    rows: NDArray[np.int64]
    facts: dict[str, Any]


class _BrokenClip(Exception):  # noqa: N818
    """Reading a clip failed, as opposed to storing it; the cause says how."""


@dataclass(frozen=True)
class FrameWork(Work[Clip]):
    """Prepares shards.

    Attributes:
        settings: what is done to each clip.
        home: where everything is stored until all is done.
    """

    settings: Settings
    home: Path

    @property
    def output(self) -> Path:
        """The set, as it will be."""
        return self.home / "output"

    def make_folders(self) -> None:
        """Make what `process` stores in, without what a run that was killed left half-written."""
        for folder in ("parts", "archives", "output/frames" if self._in_folders else "output/shards"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
            for path in (self.home / folder).glob(".*.tmp"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def clear(self) -> None:
        """Remove the folders if nothing is stored there, also not of other inputs or settings."""
        if not any((self.home / "parts").glob("*.safetensors")):
            shutil.rmtree(self.home, ignore_errors=True)

    def begin(self) -> None:
        """Have this process compute with one thread."""
        import cv2

        cv2.setNumThreads(1)

    def process(self, shard: Shard[Clip], lethal: Collection[str] = ()) -> None:
        """Prepare the clips of a shard that are not stored yet, and in the layout ``webdataset`` join them.

        A clip that fails is stored with its traceback, and stops nothing.
        """
        if self.is_stored(shard):
            return
        for name, clip in shard.items.items():
            if name in lethal:
                self._store_failure(clip, shard.keys[name], "it killed the process that read it", "")
            else:
                self.attempt(shard, name)
        if not self._in_folders:
            archives = [self._archive(name, key) for name, key in shard.keys.items()]
            join_archives(archives, self._joined(shard))
            self._mark(shard).touch()  # after the archive, which `replacing` brings to the disk
            for archive in archives:
                archive.unlink()

    def attempt(self, shard: Shard[Clip], name: str) -> None:
        """Prepare a clip and store what comes of it."""
        clip, key = shard.items[name], shard.keys[name]
        if self._is_there(name, key):
            return
        rows: list[list[int]] = []
        joints: list[NDArray[np.float32]] = []
        try:
            reader = self._open(clip)
            with self._writer(clip, key) as add:
                for sample in _samples(reader):
                    rows.append(add(sample))
                    joints.append(sample.joints)
        except _BrokenClip as broken:
            error = broken.__cause__ or broken
            self._store_failure(clip, key, _reason(error), "".join(traceback.format_exception(error)))
            return
        facts = dict(reader.facts)
        if not self._in_folders:
            facts["bytes"] = self._archive(name, key).stat().st_size
        part = Part(joints=np.stack(joints), rows=np.asarray(rows, dtype=np.int64), facts=facts)
        store(self._part(name, key), part)

    def is_stored(self, shard: Shard[Clip]) -> bool:
        """Tell whether a shard is done: what is noted of it counts only beside the frames that belong to it."""
        if self._in_folders:
            return all(self._is_there(name, key) for name, key in shard.keys.items())
        noted = all(self._part(name, key).exists() for name, key in shard.keys.items())
        return noted and self._mark(shard).exists() and self._joined(shard).exists()

    def count_left(self, shard: Shard[Clip]) -> int:
        """Count the clips of a shard that are not done."""
        return 0 if self.is_stored(shard) else sum(not self._is_there(name, key) for name, key in shard.keys.items())

    def parts(self, shard: Shard[Clip]) -> Iterator[Part]:
        """Read what came of the clips of a shard that is done."""
        return (load(self._part(name, key)) for name, key in shard.keys.items())

    @cached_property
    def _mapper(self) -> FRMapper:
        return FRMapper(**dict(self.settings.frnet))

    @property
    def _in_folders(self) -> bool:
        return self.settings.layout == "folder"

    def _open(self, clip: Clip) -> ClipReader:
        try:
            reader = ClipReader(clip, self.settings, self._mapper)
            reader.facts["hashes"] = hashes_of(clip)
        except Exception as error:  # whatever a clip holds, the others are prepared
            raise _BrokenClip from error
        return reader

    def _writer(self, clip: Clip, key: str) -> AbstractContextManager[Callable[[Sample], list[int]]]:
        if self._in_folders:
            return clip_folder(self.output / "frames" / clip.name, self.settings)
        return clip_archive(self._archive(clip.name, key), clip, self.settings)

    def _store_failure(self, clip: Clip, key: str, reason: str, trace: str) -> None:
        facts = {"name": clip.name, "reason": reason, "trace": trace, "bytes": 0}
        rows = np.zeros((0, COLUMNS[self.settings.layout]), dtype=np.int64)
        if not self._in_folders:
            with replacing(self._archive(clip.name, key)):
                pass  # a clip that failed has no frame
        part = Part(joints=np.zeros((0, 50, 3), dtype=np.float32), rows=rows, facts=facts)
        store(self._part(clip.name, key), part)

    def _is_there(self, name: str, key: str) -> bool:
        part = self._part(name, key)
        if not part.exists():
            return False
        if not self._in_folders:
            return self._archive(name, key).exists()
        return (self.output / "frames" / name).exists() or "reason" in load(part).facts

    def _part(self, name: str, key: str) -> Path:
        return self.home / "parts" / f"{name}-{key}.safetensors"

    def _archive(self, name: str, key: str) -> Path:
        return self.home / "archives" / f"{name}-{key}.tar"

    def _joined(self, shard: Shard[Clip]) -> Path:
        return self.output / "shards" / f"{shard.number:06d}.tar"

    def _mark(self, shard: Shard[Clip]) -> Path:
        return self.home / "parts" / f"{shard.number:06d}-{shard.key}.done"


def _samples(reader: ClipReader) -> Iterator[Sample]:
    """Give the frames of a clip, with its errors distinguished from those of storing them."""
    samples, count = iter(reader), 0
    while True:
        try:
            sample = next(samples, None)
            if sample is None and not count:
                raise ValueError(f"no frame is left: {reader.facts['left_out']}")
        except Exception as error:  # whatever a clip holds, the others are prepared
            raise _BrokenClip from error
        if sample is None:
            return
        count += 1
        yield sample


def _reason(error: BaseException) -> str:
    reason = " ".join(f"{error}".split()) or type(error).__name__
    return reason if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: {reason}"


def store(path: Path, part: Part) -> None:
    """Write what came of a clip; where it cannot be written (OSError), nothing is left of it."""
    write_sealed(path, {"joints": part.joints, "rows": part.rows}, part.facts)


def load(path: Path) -> Part:
    """Read what `store` wrote; OSError where it cannot be read, ValueError where it is damaged."""
    arrays, facts = read_sealed(path)
    return Part(joints=arrays["joints"], rows=arrays["rows"], facts=facts)
