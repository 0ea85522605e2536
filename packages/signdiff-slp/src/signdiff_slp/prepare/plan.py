"""What is to be prepared, and how: clips with their texts, the settings, and what the manifest notes of both."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from signdiff_core.engines.work import Manifest, Shard, content_hash, signature, versions
from signdiff_core.engines.work import plan as divide
from signdiff_core.estimators.estimating import find_estimator
from signdiff_core.plugins import PluginError
from signdiff_core.sources.find import Kind, Source, find_clips
from signdiff_core.video.reading import probe
from signdiff_slp.prepare.checks.check import check
from signdiff_slp.prepare.checks.findings import Finding
from signdiff_slp.prepare.checks.table import is_how2sign, read_table
from signdiff_slp.prepare.quality import Limits


@dataclass(frozen=True, kw_only=True)
class Task:
    """One clip to prepare, by a name that is unique in the corpus; ``seconds`` as its table says, if it says so."""

    name: str
    split: str
    text: str
    source: Source
    seconds: float | None = None


@dataclass(kw_only=True)
class Gathered:
    """The clips to prepare, those that are dropped and why, and what the check of How2Sign's tables found."""

    tasks: list[Task] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(
        self,
        split: str,
        clips: Path,
        texts: Path,
        *,
        kind: Kind | None = None,
        fps: float | None = None,
        tolerance: float = 0.5,
    ) -> None:
        """Add clips to a split, by name.

        ``clips`` is what `find_clips` takes, ``texts`` what `read_table` does: a table of How2Sign is checked against
        the clips, which may be shorter than it says by ``tolerance`` seconds. ``fps`` is for clips that do not tell
        theirs. An error says what is missing, broken or not installed, or that there is no clip.
        """
        sources = {source.name: source for source in find_clips(clips, kind)}
        seconds: dict[str, float | None] = {}
        if is_how2sign(texts):
            _check_packages(sources[line.name] for line in read_table(texts) if line.name in sources)
            findings = check([texts], [clips], fps=fps, tolerance=tolerance)
            self.findings += findings.found
            self.dropped += [(finding.clip, f"{finding.kind}: {finding.detail}") for finding in findings.dropped]
            named = {sentence.name: sentence.text for sentence in findings.kept}
            seconds = {sentence.name: sentence.seconds for sentence in findings.kept}
        else:
            named = read_texts(texts)
            _check_packages(sources[name] for name in named if name in sources)
            self.dropped += [(name, "text without clip") for name in named if name not in sources]
            self.dropped += [(name, "clip without text") for name in sources if name not in named]
        for name, text in named.items():
            if name in sources:
                source = sources[name]
                self.tasks.append(Task(name=name, split=split, text=text, source=source, seconds=seconds.get(name)))


def _check_packages(sources: Iterable[Source]) -> None:
    """Make sure that what finds people in videos is installed, before hours are spent on other clips."""
    videos = [source.path for source in sources if source.kind == "video"]
    if not videos:
        return
    try:
        find_estimator("holistic")[0]()
    except PluginError as error:
        raise ModuleNotFoundError(f"finding people in {len(videos):,} videos, such as {videos[0]}: {error}") from error


def read_texts(path: Path) -> dict[str, str]:
    """Read texts by name, from any table but How2Sign's; a ``ValueError`` if it is broken, or a name comes twice."""
    named: dict[str, str] = {}
    for sentence in read_table(path):
        if sentence.name in named:
            raise ValueError(f"{path} must name a clip once, but names {sentence.name} again.")
        named[sentence.name] = sentence.text
    return named


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a preparation. Two runs with equal settings and inputs write equal bytes.

    ``source_fps`` is for clips whose files do not say, such as OpenPose JSON; How2Sign has mostly 24. Joints below
    ``min_confidence`` are absent, and become what ``fill`` says: interpolated in time, or the paper's median.
    ``smoothing`` is of the lifting, in frames. ``mirror`` mirrors clips whose left hand moves more, so
    that every signer is right-handed. With the ``skeleton`` body_hands_face, eyes, ears and face are kept, and clips
    without a face fail. A ``ValueError`` says if one is out of its range.
    """

    fps: float = 25.0
    source_fps: float = 24.0
    min_confidence: float = 0.1
    fill: Literal["interpolate", "median"] = "interpolate"
    smoothing: float = 0.5
    mirror: bool = False
    skeleton: str = "openpose50"

    def __post_init__(self) -> None:
        if self.skeleton not in ("openpose50", "body_hands_face"):
            raise ValueError(f"skeleton must be 'openpose50' or 'body_hands_face', but is {self.skeleton!r}.")
        for name in ("fps", "source_fps"):
            rate = getattr(self, name)
            if not (math.isfinite(rate) and rate > 0):
                raise ValueError(f"{name} must be positive, but is {rate}.")
        if not 0 <= self.min_confidence <= 1:
            raise ValueError(f"min_confidence must be from 0 to 1, but is {self.min_confidence}.")
        if self.fill not in ("interpolate", "median"):
            raise ValueError(f"fill must be 'interpolate' or 'median', but is {self.fill!r}.")
        if not 0 <= self.smoothing < math.inf:
            raise ValueError(f"smoothing must be at least 0, but is {self.smoothing}.")


BEFORE: Final = {"skeleton": "openpose50", "smoothing": Settings.smoothing}
"""Settings that manifests of earlier versions do not name: those versions had the 50 joints alone."""

GONE: Final = ("steps", "smoothness", "device")
"""Settings that only earlier versions had: of a search that lifted clips."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What else decides a corpus, once its clips are prepared: the limits, and whether ``.skels`` are written, too.

    ``seed`` draws the clips of the preview; durations of one clip may differ by ``tolerance`` seconds.
    """

    limits: Limits
    skels: bool = False
    seed: int = 0
    tolerance: float = 0.5


def plan(tasks: Sequence[Task], settings: Settings, *, clips: int = 16) -> list[Shard[Task]]:
    """Divide clips, in the corpus's order, into shards, which are done together and stored in one file.

    A ``ValueError`` says if a name comes twice.
    """
    named: dict[str, Task] = {}
    for task in tasks:
        if task.name in named:
            raise ValueError(f"names of clips must be unique, but {task.name} comes twice.")
        named[task.name] = task
    return divide(named, [code_version(), asdict(settings)], _facts, size=clips)


def _facts(task: Task) -> object:
    video = task.source.video
    return task.split, task.text, signature(task.source.path), None if video is None else signature(video)


@cache
def code_version() -> dict[str, str]:
    """Name what prepares: versions of the libraries that compute, hashes of this folder and of what reads and lifts."""
    known = versions("signdiff_slp.prepare", "signdiff-slp", "signdiff-core", "numpy")
    parts = ("anatomy", "estimators", "lifting", "sources")
    return known | {part: versions(f"signdiff_core.{part}")["code"] for part in parts}


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
    """Hash a clip's files; with the frame rate if a video tells it."""
    return content_hash(source.path, *([] if source.video is None else [f"{fps}"]))


def hash_again(task: Task, settings: Settings) -> str:
    """Hash a clip's files as preparing it does; an ``OSError`` or ``VideoError`` if they cannot be read."""
    video = task.source.video
    fps = settings.source_fps if video is None else probe(video).fps or settings.source_fps
    return hash_of(task.source, fps)


def finite(limits: Mapping[str, Any]) -> dict[str, float | None]:
    """Replace infinity by None: JSON knows none."""
    return {name: value if math.isfinite(value) else None for name, value in limits.items()}
