"""What is to be prepared, and how: the settings, the clips in shards, and what is noted of both in the manifest."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Final, Literal, get_args

from signdiff_core import engines, plugins
from signdiff_core.prepare.gather import Clip

Layout = Literal["folder", "webdataset"]
"""Files in a folder a clip, or tar archives of many clips."""

ImageFormat = Literal["jpg", "png"]
"""How frames are stored."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a preparation. Two runs with equal settings and inputs write equal bytes.

    Attributes:
        layout: how the set is stored.
        size: side of the frames in pixels, a multiple of 64.
        every: keep every Nth frame of a video.
        fps: of those, keep this many frames per second; all of them if None.
        min_confidence: joints below it are absent, and a frame without neck or shoulders is left out.
        min_hand_confidence: frames that show a hand whose joints have less on average are left out.
        max_padding: clips whose square lies outside the picture with more of its area are left out.
        image_format: of the frames.
        quality: of frames as JPEG, from 1 to 100.
        frnet: FR-Net's settings, all of them, by name.
        skeleton: joints of the set: "openpose50", or "body_hands_face" with eyes, ears and face; then clips without a
            face fail.
        person: which of several people, as `signdiff_core.sources.read_pose` has it; the most likely signer if None.

    Raises:
        ValueError: a setting is out of its range.
    """

    layout: Layout = "folder"
    size: int = 512
    every: int = 1
    fps: float | None = None
    min_confidence: float = 0.1
    min_hand_confidence: float = 0.2
    max_padding: float = 0.25
    image_format: ImageFormat = "jpg"
    quality: int = 95
    frnet: tuple[tuple[str, str | float], ...] = ()
    person: int | None = None
    skeleton: str = "openpose50"

    def __post_init__(self) -> None:
        for name, kinds in (("layout", Layout), ("image_format", ImageFormat)):
            if getattr(self, name) not in get_args(kinds):
                wanted = " or ".join(map(repr, get_args(kinds)))
                raise ValueError(f"{name} must be {wanted}, but is {getattr(self, name)!r}.")
        if self.skeleton not in ("openpose50", "body_hands_face"):
            raise ValueError(f"skeleton must be 'openpose50' or 'body_hands_face', but is {self.skeleton!r}.")
        if self.size % 64 or not 64 <= self.size <= 2048:
            raise ValueError(f"size must be a multiple of 64 from 64 to 2048, but is {self.size}.")
        if self.person is not None and self.person < 1:
            raise ValueError(f"person must be at least 1, but is {self.person}.")
        if self.every < 1:
            raise ValueError(f"every must be at least 1, but is {self.every}.")
        if self.fps is not None and not (math.isfinite(self.fps) and self.fps > 0):
            raise ValueError(f"fps must be positive, but is {self.fps}.")
        for name in ("min_confidence", "min_hand_confidence", "max_padding"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], but is {getattr(self, name)}.")
        if not 1 <= self.quality <= 100:
            raise ValueError(f"quality must be from 1 to 100, but is {self.quality}.")

    @property
    def suffix(self) -> str:
        """Suffix of the frames' files, with the dot."""
        return f".{self.image_format}"


BEFORE: Final = {"skeleton": "openpose50"}
"""Settings that manifests of earlier versions do not name: those versions had the 50 joints alone."""


def plan(clips: Sequence[Clip], settings: Settings, *, shard: int = 16) -> list[engines.Shard[Clip]]:
    """Divide clips into shards.

    Args:
        clips: in the order of the set.
        settings: what is done to them.
        shard: how many make a shard, and an archive if the layout has archives.

    Raises:
        OSError: a folder cannot be looked at.
    """
    named = {clip.name: clip for clip in clips}
    return engines.plan(named, [code_version(), asdict(settings)], _facts, size=shard)


def _facts(clip: Clip) -> object:
    return clip.text, engines.signature(clip.video), engines.signature(clip.pose)


@cache
def code_version() -> dict[str, str]:
    """Name what prepares: versions of the libraries that compute, and a hash of this folder's files."""
    import cv2

    annotator = plugins.find("signdiff.annotators", "frnet")
    return {
        **engines.versions("signdiff_core.prepare", "signdiff-core", "av", "numpy", "pose-format"),
        "sources": engines.versions("signdiff_core.sources")["code"],
        annotator.distribution: annotator.version,
        "opencv": cv2.__version__,  # whose distribution has several names
    }


def manifest_of(clips: Iterable[Clip], settings: Settings) -> engines.Manifest:
    """Note what a set is made of, but for the hashes of its clips."""
    return engines.Manifest(
        versions=code_version(),
        settings={**asdict(settings), "frnet": dict(settings.frnet)},
        texts={clip.name: hashlib.sha256(clip.text.encode()).hexdigest()[:16] for clip in clips},
    )


def hashes_of(clip: Clip) -> dict[str, str]:
    """Hash the files of a clip."""
    return {"video": engines.content_hash(clip.video), "pose": engines.content_hash(clip.pose)}
