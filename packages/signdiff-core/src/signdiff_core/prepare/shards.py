"""Prepare the clips of a shard, and store what came of each: there whole or not at all."""

from __future__ import annotations

import shutil
import traceback
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from signdiff_core.atomic import replacing
from signdiff_core.diffusion.frmap import FRMapper
from signdiff_core.prepare.clip import ClipReader
from signdiff_core.prepare.layouts import clip_archive, clip_folder, join_archives
from signdiff_core.prepare.plan import content_hash
from signdiff_core.sealed import read_sealed, write_sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from numpy.typing import NDArray

    from signdiff_core.prepare.clip import Sample
    from signdiff_core.prepare.gather import Clip
    from signdiff_core.prepare.plan import Shard
    from signdiff_core.prepare.settings import Settings

COLUMNS: Final = {"folder": 1, "webdataset": 5}
"""Numbers of a frame's row: its own, and in an archive the places and sizes of image and map."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """What came of a clip.

    Attributes:
        joints: (N, 50, 3) float32 of its frames.
        rows: (N, 1 or 5) int64; see `COLUMNS`. Places are those in the clip's own archive.
        told: what is known of it; with ``reason`` and ``trace`` if it failed.
    """

    joints: NDArray[np.float32]
    rows: NDArray[np.int64]
    told: dict[str, Any]


class _BrokenClip(Exception):  # noqa: N818
    """Reading a clip failed, as opposed to storing it; the cause says how."""


@dataclass(frozen=True)
class FrameWork:
    """Prepares shards: a `signdiff_core.engines.Work`.

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
        for folder in ("parts", "archives", "output/frames" if self.settings.layout == "folder" else "output/shards"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
            for path in (self.home / folder).glob(".*.tmp"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def begin(self) -> None:
        """Have this process compute with one thread."""
        import cv2

        cv2.setNumThreads(1)

    def process(self, shard: Shard, lethal: Collection[str] = ()) -> None:
        """Prepare the clips of a shard that are not stored yet, and in the layout ``webdataset`` join them.

        A clip that fails is stored with its traceback, and stops nothing.

        Raises:
            OSError: something cannot be written.
        """
        if self.is_stored(shard):
            return
        for item in self.items(shard).values():
            if item[0].name in lethal:
                self._store_failure(*item, "it killed the process that read it", "")
            else:
                self.rehearse(item)
        if self.settings.layout == "webdataset":
            archives = [self._archive(clip, key) for clip, key in zip(shard.clips, shard.keys, strict=True)]
            join_archives(archives, self._joined(shard))
            self._mark(shard).touch()  # after the archive, which `replacing` brings to the disk
            for archive in archives:
                archive.unlink()

    def rehearse(self, item: tuple[Clip, str]) -> None:
        """Prepare a clip and store what comes of it.

        Raises:
            OSError: something cannot be written.
        """
        clip, key = item
        if self._is_there(clip, key):
            return
        rows: list[list[int]] = []
        joints: list[NDArray[np.float32]] = []
        try:
            reader = self._open(clip)
            with self._writer(clip, key) as add:
                for sample in _reading(reader):
                    rows.append(add(sample))
                    joints.append(sample.joints)
        except _BrokenClip as broken:
            error = broken.__cause__ or broken
            self._store_failure(clip, key, _reason(error), "".join(traceback.format_exception(error)))
            return
        known = dict(reader.told)
        if self.settings.layout == "webdataset":
            known["bytes"] = self._archive(clip, key).stat().st_size
        part = Part(joints=np.stack(joints), rows=np.asarray(rows, dtype=np.int64), told=known)
        store(self._part(clip, key), part)

    def items(self, shard: Shard) -> dict[str, tuple[Clip, str]]:
        """Give the clips of a shard with their keys, by name."""
        return {clip.name: (clip, key) for clip, key in zip(shard.clips, shard.keys, strict=True)}

    def is_stored(self, shard: Shard) -> bool:
        """Tell whether a shard is done: what is noted of it counts only beside the frames that it tells of."""
        if self.settings.layout == "webdataset":
            noted = all(self._part(clip, key).exists() for clip, key in self.items(shard).values())
            return noted and self._mark(shard).exists() and self._joined(shard).exists()
        return all(self._is_there(*item) for item in self.items(shard).values())

    def left(self, shard: Shard) -> int:
        """Count the clips of a shard that are not done."""
        return 0 if self.is_stored(shard) else sum(not self._is_there(*item) for item in self.items(shard).values())

    def parts(self, shard: Shard) -> Iterator[Part]:
        """Read what came of the clips of a shard that is done."""
        return (load(self._part(clip, key)) for clip, key in self.items(shard).values())

    @cached_property
    def _mapper(self) -> FRMapper:
        return FRMapper(**dict(self.settings.frnet))

    def _open(self, clip: Clip) -> ClipReader:
        try:
            reader = ClipReader(clip, self.settings, self._mapper)
            reader.told["hashes"] = {"video": content_hash(clip.video), "pose": content_hash(clip.pose)}
        except Exception as error:  # whatever a clip holds, the others go on
            raise _BrokenClip from error
        return reader

    def _writer(self, clip: Clip, key: str) -> AbstractContextManager[Callable[[Sample], list[int]]]:
        if self.settings.layout == "folder":
            return clip_folder(self.output / "frames" / clip.name, self.settings)
        return clip_archive(self._archive(clip, key), clip, self.settings)

    def _store_failure(self, clip: Clip, key: str, reason: str, trace: str) -> None:
        known = {"name": clip.name, "reason": reason, "trace": trace, "bytes": 0}
        rows = np.zeros((0, COLUMNS[self.settings.layout]), dtype=np.int64)
        if self.settings.layout == "webdataset":
            with replacing(self._archive(clip, key)):
                pass  # a clip that failed has no frame
        store(self._part(clip, key), Part(joints=np.zeros((0, 50, 3), dtype=np.float32), rows=rows, told=known))

    def _is_there(self, clip: Clip, key: str) -> bool:
        part = self._part(clip, key)
        if not part.exists():
            return False
        if self.settings.layout == "webdataset":
            return self._archive(clip, key).exists()
        return (self.output / "frames" / clip.name).exists() or "reason" in told(part)

    def _part(self, clip: Clip, key: str) -> Path:
        return self.home / "parts" / f"{clip.name}-{key}.safetensors"

    def _archive(self, clip: Clip, key: str) -> Path:
        return self.home / "archives" / f"{clip.name}-{key}.tar"

    def _joined(self, shard: Shard) -> Path:
        return self.output / "shards" / f"{shard.number:06d}.tar"

    def _mark(self, shard: Shard) -> Path:
        return self.home / "parts" / f"{shard.number:06d}-{shard.key}.done"


def _reading(reader: ClipReader) -> Iterator[Sample]:
    """Give the frames of a clip, with its errors told apart from those of storing them."""
    samples, count = iter(reader), 0
    while True:
        try:
            sample = next(samples, None)
            if sample is None and not count:
                raise ValueError(f"no frame is left: {reader.told['left_out']}")
        except Exception as error:  # whatever a clip holds, the others go on
            raise _BrokenClip from error
        if sample is None:
            return
        count += 1
        yield sample


def _reason(error: BaseException) -> str:
    reason = " ".join(f"{error}".split()) or type(error).__name__
    return reason if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: {reason}"


def store(path: Path, part: Part) -> None:
    """Write what came of a clip.

    Raises:
        OSError: it cannot be written; nothing is left of it then.
    """
    write_sealed(path, {"joints": part.joints, "rows": part.rows}, part.told)


def told(path: Path) -> dict[str, Any]:
    """Read what is known of a clip, of what `store` wrote; errors as of `load`."""
    return load(path).told


def load(path: Path) -> Part:
    """Read what `store` wrote.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged.
    """
    arrays, known = read_sealed(path)
    return Part(joints=arrays["joints"], rows=arrays["rows"], told=known)
