"""What is to be prepared, and how: the clips, the settings, and what is noted of both in the manifest."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Literal

from signdiff_core.engines.manifest import Manifest
from signdiff_core.engines.work import Shard, content_hash, signature, versions
from signdiff_core.engines.work import plan as divide
from signdiff_core.video.reading import probe
from signdiff_slp.prepare.quality import Limits
from signdiff_slp.prepare.sources.find import Source


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
class Settings:
    """The settings of a preparation. Two runs with equal settings and inputs write equal bytes.

    Attributes:
        fps: frames per second of the corpus.
        source_fps: of clips whose files do not tell, such as OpenPose JSON; How2Sign's are mostly 24.
        min_confidence: joints below it are taken as absent.
        fill: what absent joints become: "interpolate" in time, or the paper's "median".
        steps: of the lifting.
        smoothness: weight of the lifting's smoothness in time.
        device: a torch device for the lifting.
        mirror: whether clips whose left hand makes the most of the way are mirrored, so that every signer is
            right-handed.

    Raises:
        ValueError: a setting is out of its range.
    """

    fps: float = 25.0
    source_fps: float = 24.0
    min_confidence: float = 0.1
    fill: Literal["interpolate", "median"] = "interpolate"
    steps: int = 200
    smoothness: float = 0.01
    device: str = "cpu"
    mirror: bool = False

    def __post_init__(self) -> None:
        for name in ("fps", "source_fps"):
            rate = getattr(self, name)
            if not (math.isfinite(rate) and rate > 0):
                raise ValueError(f"{name} must be positive, but is {rate}.")
        if not 0 <= self.min_confidence <= 1:
            raise ValueError(f"min_confidence must be from 0 to 1, but is {self.min_confidence}.")
        if self.fill not in ("interpolate", "median"):
            raise ValueError(f"fill must be 'interpolate' or 'median', but is {self.fill!r}.")
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, but is {self.steps}.")
        if not self.smoothness >= 0:
            raise ValueError(f"smoothness must be at least 0, but is {self.smoothness}.")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What else decides a corpus, once its clips are prepared.

    Attributes:
        limits: what clips must keep to.
        skels: whether ``{split}.skels``, ``.text`` and ``.files`` are written, too.
        seed: draws the clips of the preview.
        tolerance: seconds by which durations of one clip may differ.
    """

    limits: Limits
    skels: bool = False
    seed: int = 0
    tolerance: float = 0.5


def plan(tasks: Sequence[Task], settings: Settings, *, clips: int = 16) -> list[Shard[Task]]:
    """Divide clips into shards, which are lifted together and stored in one file.

    Args:
        tasks: in the order of the corpus.
        settings: what is done to them.
        clips: how many make a shard.

    Raises:
        ValueError: a name comes twice.
    """
    named = {task.name: task for task in tasks}
    if len(named) < len(tasks):
        repeated = next(task.name for task in tasks if named[task.name] is not task)
        raise ValueError(f"names of clips must be unique, but {repeated} comes twice.")
    return divide(named, [code_version(), asdict(settings)], _facts, size=clips)


def _facts(task: Task) -> object:
    video = task.source.video
    return task.split, task.text, signature(task.source.path), None if video is None else signature(video)


@cache
def code_version() -> dict[str, str]:
    """Name what prepares: versions of the libraries that compute, and a hash of this folder's files."""
    return versions("signdiff_slp.prepare", "signdiff-slp", "signdiff-core", "numpy", "torch")


def manifest_of(tasks: Iterable[Task], settings: Settings, options: Options) -> Manifest:
    """Note what a corpus is made of, but for the hashes of its clips."""
    known = asdict(options)
    return Manifest(
        versions=code_version(),
        settings=asdict(settings),
        options={**finite(known.pop("limits")), **known},
        texts={
            task.name: hashlib.sha256(f"{task.split}\n{' '.join(task.text.split())}".encode()).hexdigest()[:16]
            for task in tasks
        },
    )


def hash_of(source: Source, fps: float) -> str:
    """Hash a clip's files; with the frame rate if a video tells it.

    Raises:
        OSError: a file cannot be read.
    """
    return content_hash(source.path, *([] if source.video is None else [f"{fps}"]))


def hash_again(task: Task, settings: Settings) -> str:
    """Hash a clip's files as preparing it does.

    Raises:
        OSError: a file cannot be read.
        VideoError: the video is broken.
    """
    video = task.source.video
    fps = settings.source_fps if video is None else probe(video).fps or settings.source_fps
    return hash_of(task.source, fps)


def finite(limits: Mapping[str, Any]) -> dict[str, float | None]:
    """Replace infinity by None: JSON knows none."""
    return {name: value if math.isfinite(value) else None for name, value in limits.items()}
