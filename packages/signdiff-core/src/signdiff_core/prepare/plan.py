"""What is to be prepared, in shards: so many clips that go into one archive, if the layout has archives.

A clip's key says what comes of it: the settings, the code, its caption, and its files' names, sizes and times. What is
stored under that key is what preparing would make again, so a run that was cut off goes on where it stopped. Which
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

from signdiff_core import plugins

if TYPE_CHECKING:
    from collections.abc import Sequence

    from signdiff_core.prepare.gather import Clip
    from signdiff_core.prepare.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Shard:
    """Clips that are stored together.

    Attributes:
        number: its place, from 0.
        clips: by name.
        keys: one for each clip.
    """

    number: int
    clips: tuple[Clip, ...]
    keys: tuple[str, ...]

    @property
    def key(self) -> str:
        """Tells shards of other inputs, settings or code apart."""
        return hashlib.sha256("".join(self.keys).encode()).hexdigest()[:16]


def plan(clips: Sequence[Clip], settings: Settings, *, shard: int = 16) -> list[Shard]:
    """Divide clips into shards.

    Args:
        clips: in the order of the set.
        settings: what is done to them.
        shard: how many make a shard.

    Raises:
        OSError: a file cannot be looked at.
    """
    shared = [code_version(), asdict(settings)]
    shards = []
    for start in range(0, len(clips), shard):
        part = tuple(clips[start : start + shard])
        keys = tuple(_key([*shared, clip.name, clip.text, *map(_signature, (clip.video, clip.pose))]) for clip in part)
        shards.append(Shard(number=start // shard, clips=part, keys=keys))
    return shards


@cache
def code_version() -> dict[str, str]:
    """Name what prepares: versions of the libraries that compute, and a hash of this folder's files."""
    import av
    import cv2
    import numpy as np

    annotator = plugins.find("signdiff.annotators", "frnet")
    digest = hashlib.sha256()
    for path in sorted(Path(str(files("signdiff_core.prepare"))).glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return {
        "signdiff-core": version("signdiff-core"),
        annotator.distribution: annotator.version,
        "av": av.__version__,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "pose-format": version("pose-format"),
        "code": digest.hexdigest()[:16],
    }


def content_hash(path: Path) -> str:
    """Hash a file, or the files of a folder with their names."""
    digest = hashlib.sha256()
    for file in _files(path):
        if path.is_dir():
            digest.update(f"{file.name}\n".encode())
        with file.open("rb") as content:
            while block := content.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _key(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def _signature(path: Path) -> list[tuple[str, int, int]]:
    """Names, sizes and times of files: reading 30,000 clips to know whether they changed would take hours."""
    signature = []
    for file in _files(path):
        try:
            status = file.stat()
        except OSError:  # reading the clip will say why
            signature.append((file.name, -1, -1))
        else:
            signature.append((file.name, status.st_size, status.st_mtime_ns))
    return signature


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]
