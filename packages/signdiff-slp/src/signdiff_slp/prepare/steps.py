"""The steps of one clip, in order: `keypoints_of` reads, chooses the signer and cleans; `lift_clips`; `finish`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core.video.reading import probe
from signdiff_slp.prepare.clean import clean
from signdiff_slp.prepare.lifting.clips import lift_all
from signdiff_slp.prepare.normal import left_share, mirror, to_normal
from signdiff_slp.prepare.plan import Settings, Task, hash_of
from signdiff_slp.prepare.quality import bone_lengths, jitter, movement
from signdiff_slp.prepare.signer import choose_signer
from signdiff_slp.prepare.sources.read import read

LEFT_HANDED: Final = 0.6
"""A signer whose left wrist makes more than this share of the way of both is left-handed."""


@dataclass(frozen=True, kw_only=True)
class CleanClip:
    """The signer of a clip in the picture, ready to be lifted.

    Attributes:
        task: the clip.
        points: (T, 50, 3) of x and y in pixels and confidence.
        fps: frames per second.
        observed: share of the joints that the detector saw.
        notes: for the report.
        hash: of the clip's files.
        video_seconds: duration of the video beside the keypoints, if there is one and it tells.
    """

    task: Task
    points: NDArray[np.float32]
    fps: float
    observed: float
    notes: tuple[str, ...]
    hash: str
    video_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A clip that is done.

    Attributes:
        joints: (T, 50, 3) float32 normalised coordinates.
        bones: (49,) limbs, as `quality.bone_lengths` measures them.
        facts: name, split, text, scores, movement, durations, notes and hash.
    """

    joints: NDArray[np.float32]
    bones: NDArray[np.float64]
    facts: dict[str, Any]


def keypoints_of(task: Task, settings: Settings) -> CleanClip:
    """Read a clip, choose its signer, and make absent joints whole.

    Raises:
        ValueError: the clip is broken, shows nobody, or a joint is never seen.
        OSError: it cannot be read.
    """
    keypoints = choose_signer(read(task.source, settings.source_fps))
    cleaned = clean(keypoints.points, min_confidence=settings.min_confidence, fill=settings.fill)
    video = None if task.source.video is None else probe(task.source.video).seconds
    return CleanClip(
        task=task,
        points=cleaned.points,
        fps=keypoints.fps,
        observed=1.0 - cleaned.filled - float(cleaned.never.mean()),
        notes=keypoints.notes,
        hash=hash_of(task.source, keypoints.fps),
        video_seconds=video or None,
    )


def lift_clips(clips: Sequence[CleanClip], settings: Settings) -> list[NDArray[np.floating]]:
    """Lift clips together: (T, 50, 3) each, in pixels.

    Raises:
        ValueError: one of them cannot be lifted.
    """
    points = [clip.points for clip in clips]
    return list(lift_all(points, steps=settings.steps, smoothness=settings.smoothness, device=settings.device))


def finish(clip: CleanClip, lifted: NDArray[np.floating], settings: Settings) -> Prepared:
    """Normalise, resample and, if that is wanted and needed, mirror a clip; measure its quality.

    Raises:
        ValueError: its shoulders are nowhere apart.
    """
    joints = to_normal(lifted, clip.fps, settings.fps)
    share = left_share(joints)
    notes = clip.notes
    if settings.mirror and share > LEFT_HANDED:
        joints = np.ascontiguousarray(mirror(joints))
        notes = (*notes, "the signer was mirrored")
    facts = {
        "name": clip.task.name,
        "split": clip.task.split,
        "text": clip.task.text,
        "observed": clip.observed,
        "jitter": jitter(joints),
        "left_share": share,
        "movement": movement(joints),
        "seconds": len(clip.points) / clip.fps,
        "video_seconds": clip.video_seconds,
        "notes": list(notes),
        "hash": clip.hash,
    }
    return Prepared(joints=joints, bones=bone_lengths(joints), facts=facts)
