"""What is to be prepared, in shards: so many clips that are lifted together and stored in one file.

A shard's key says what goes into it: the settings, the code, and of each clip its name and its files' sizes and times.
A file of that key holds what processing would make again, so a run that was cut off goes on where it stopped. Which
clips share a shard depends on the plan alone, not on what was finished before, nor on how many workers there are: so do
the bytes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from signdiff_slp.prepare.settings import Settings
    from signdiff_slp.prepare.sources import Source


@dataclass(frozen=True, kw_only=True)
class Task:
    """One clip to prepare.

    Attributes:
        name: unique in the corpus.
        split: train, dev or test.
        text: what it says.
        source: where its keypoints are.
        seconds: how long it lasts as its table says, if it says so.
    """

    name: str
    split: str
    text: str
    source: Source
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Shard:
    """Clips that are prepared together.

    Attributes:
        number: its place, from 0.
        tasks: the clips.
        key: tells shards of other inputs, settings or code apart.
    """

    number: int
    tasks: tuple[Task, ...]
    key: str

    @property
    def file(self) -> str:
        """The name of the file that holds the shard when it is done."""
        return f"{self.number:06d}-{self.key}.safetensors"


def plan(tasks: Sequence[Task], settings: Settings, *, clips: int = 16) -> list[Shard]:
    """Divide clips into shards.

    Args:
        tasks: in the order of the corpus.
        settings: what is done to them.
        clips: how many make a shard.

    Raises:
        ValueError: a name comes twice.
    """
    names = [task.name for task in tasks]
    if len(set(names)) < len(names):
        repeated = next(name for place, name in enumerate(names) if name in names[:place])
        raise ValueError(f"names of clips must be unique, but {repeated} comes twice.")
    shards = []
    for start in range(0, len(tasks), clips):
        part = tuple(tasks[start : start + clips])
        content = [code_hash(), asdict(settings), [(task.name, _signature(task.source)) for task in part]]
        key = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
        shards.append(Shard(number=start // clips, tasks=part, key=key))
    return shards


@cache
def code_hash() -> str:
    """Hash the code that prepares: this folder's files, and the versions of the libraries that compute."""
    digest = hashlib.sha256()
    for name in ("signdiff-slp", "signdiff-core", "numpy", "torch"):
        digest.update(f"{name} {version(name)}\n".encode())
    folder = Path(str(files("signdiff_slp.prepare")))
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def content_hash(source: Source, fps: float) -> str:
    """Hash a clip's file, or the files of its folder and their names; where a video tells its rate, the rate, too."""
    digest = hashlib.sha256()
    for file in _files(source.path):
        if source.path.is_dir():
            digest.update(f"{file.name}\n".encode())
        with file.open("rb") as content:
            while block := content.read(1 << 20):
                digest.update(block)
    if source.video is not None:
        digest.update(f"{fps}".encode())
    return digest.hexdigest()


def _signature(source: Source) -> list[tuple[str, int, int]]:
    """Names, sizes and times of a clip's files: reading 30,000 clips to know whether they changed would take hours."""
    signature = []
    for file in [*_files(source.path), *([] if source.video is None else [source.video])]:
        status = file.stat()
        signature.append((file.name, status.st_size, status.st_mtime_ns))
    return signature


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.is_file())
    return [path] if path.exists() else []
