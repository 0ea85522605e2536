"""Prepare the clips of a shard, and store what came of them: one file, which is there whole or not at all.

The steps of a clip, in order: `keypoints_of` reads, chooses the signer and cleans; `finish` lifts, normalises
and measures.
"""

from __future__ import annotations

import traceback
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core import skeleton as skeletons
from signdiff_core.engines.work import Shard, Work
from signdiff_core.faces import MIRRORED_FACE, MIRRORED_HEAD
from signdiff_core.formats.coordinates import normalise
from signdiff_core.lifting.clip import lift
from signdiff_core.sealed import read_sealed, write_sealed
from signdiff_core.skeleton import BODY_HANDS_FACE, LEFT_WRIST, NOSE, NUM_JOINTS, RIGHT_WRIST, find_skeleton
from signdiff_core.sources.read import read
from signdiff_core.sources.signer import choose_signer
from signdiff_core.video.reading import probe
from signdiff_slp.corpora.filling import never_seen, resample
from signdiff_slp.prepare.clean import clean, clean_face
from signdiff_slp.prepare.plan import Settings, Task, hash_of
from signdiff_slp.prepare.quality import bone_lengths, jitter, movement

LEFT_HANDED: Final = 0.6
"""A signer whose left wrist makes more than this share of the way of both is left-handed."""


@dataclass(frozen=True, kw_only=True)
class CleanClip:
    """The signer of a clip in the picture, ready to be lifted: (T, 50, 4) as `signdiff_core.lifting.lift` takes them.

    ``observed`` is the share of joints that the detector saw, ``video_seconds`` the duration of the video beside the
    keypoints, if there is one and it tells; ``hash`` is of the clip's files, and ``notes`` are for the report. The
    ``face``, if it is wanted, is as `clean_face` gives it.
    """

    task: Task
    points: NDArray[np.float32]
    fps: float
    observed: float
    notes: tuple[str, ...]
    hash: str
    video_seconds: float | None = None
    face: NDArray[np.float64] | None = None


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A clip that is done: joints (T, J, 3), limbs (49,) as `quality.bone_lengths` measures them, and facts."""

    joints: NDArray[np.float32]
    bones: NDArray[np.float64]
    facts: dict[str, Any]


def keypoints_of(task: Task, settings: Settings) -> CleanClip:
    """Read a clip, choose its signer, and make absent joints whole.

    An ``OSError`` or ``ValueError`` says if the clip cannot be read, is broken, shows nobody, or lacks a joint.
    """
    skeleton = find_skeleton(settings.skeleton)
    keypoints = choose_signer(read(task.source, settings.source_fps, skeleton=skeleton))
    seen, depth = keypoints.points, keypoints.depth
    own = None if depth is None else depth[:, :NUM_JOINTS]
    cleaned = clean(seen[:, :NUM_JOINTS], own, min_confidence=settings.min_confidence, fill=settings.fill)
    cleaned.check()
    notes, face = keypoints.notes, None
    if skeleton is BODY_HANDS_FACE:
        face = clean_face(seen, depth, cleaned.points, min_confidence=settings.min_confidence)
        if unknown := never_seen(np.where(seen[..., 2] >= settings.min_confidence, seen[..., 2], 0)):
            notes = (*notes, f"{unknown} points of head and face are in no frame: others stand in")
    video = None if task.source.video is None else probe(task.source.video).seconds
    return CleanClip(
        task=task,
        points=cleaned.in_space,
        fps=keypoints.fps,
        observed=1.0 - cleaned.filled,
        notes=notes,
        hash=hash_of(task.source, keypoints.fps),
        video_seconds=video or None,
        face=face,
    )


def finish(clip: CleanClip, settings: Settings) -> Prepared:
    """Lift, normalise, resample and, if that is wanted and needed, mirror a clip; measure its quality.

    A ``ValueError`` says if its shoulders are nowhere apart.
    """
    lifted = lift(clip.points, smoothing=settings.smoothing)
    if clip.face is not None:
        from_nose = lifted[:, NOSE, None, 2] + clip.face[..., 2]
        lifted = np.concatenate([lifted, np.concatenate([clip.face[..., :2], from_nose[..., None]], axis=-1)], axis=1)
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
        "jitter": jitter(joints[:, :NUM_JOINTS]),
        "left_share": share,
        "movement": movement(joints[:, :NUM_JOINTS]),
        "seconds": len(clip.points) / clip.fps,
        "video_seconds": clip.video_seconds,
        "notes": list(notes),
        "hash": clip.hash,
    }
    return Prepared(joints=joints, bones=bone_lengths(joints), facts=facts)


def to_normal(joints: NDArray[np.floating], fps: float, target_fps: float) -> NDArray[np.float32]:
    """Bring a whole clip, (T, J, 3) in any unit, to normalised coordinates and to a corpus's frame rate.

    In every frame the neck is the origin; over the clip, the median distance of the shoulders is 1/3 (Stoll et al.,
    Text2Sign, IJCV 2020, section 3.2). A ``ValueError``
    says if the shoulders are nowhere apart, or a rate is not positive.
    """
    settled = normalise(joints, np.ones(joints.shape[:2]))
    return resample(settled, fps, target_fps).astype(np.float32)


def mirror(joints: NDArray[np.floating]) -> NDArray[np.floating]:
    """Make a left-handed signer right-handed, (T, J, 3) normalised: a mirror, whose left is the signer's right."""
    order = np.arange(joints.shape[1])
    if joints.shape[1] > NUM_JOINTS:
        order[skeletons.HEAD] = np.asarray(MIRRORED_HEAD) + skeletons.HEAD.start
        order[skeletons.FACE] = np.asarray(MIRRORED_FACE) + skeletons.FACE.start
    for part in ("SHOULDER", "ELBOW", "WRIST", "HAND"):
        left, right = getattr(skeletons, f"LEFT_{part}"), getattr(skeletons, f"RIGHT_{part}")
        order[left], order[right] = order[right].copy(), order[left].copy()
    return np.asarray(joints[:, order] * np.array([-1.0, 1.0, 1.0], dtype=joints.dtype))


def left_share(joints: NDArray[np.floating]) -> float:
    """Tell how much of the wrists' way the left one makes, in [0, 1]; 0.5 in a clip without movement."""
    steps = np.diff(joints[:, [LEFT_WRIST, RIGHT_WRIST]], axis=0)
    left, right = np.linalg.norm(steps, axis=-1).sum(axis=0)
    return float(left / (left + right)) if left + right > 0 else 0.5


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A clip that could not be prepared: the reason in one line, and the trace that says where it happened."""

    name: str
    reason: str
    trace: str


@dataclass(frozen=True)
class ShardWork(Work[Task]):
    """Prepares shards with ``settings`` and stores them in ``folder``."""

    settings: Settings
    folder: Path

    def process(self, shard: Shard[Task], lethal: Collection[str] = ()) -> None:
        """Prepare the clips of a shard, unless it is stored already; an ``OSError`` if that cannot be written.

        A clip that fails is stored with its traceback, and stops nothing.
        """
        if self.is_stored(shard):
            return
        prepared: list[Prepared] = []
        failures = [
            Failure(name=name, reason="it killed the process that read it", trace="") for name in sorted(lethal)
        ]
        for name, task in shard.items.items():
            if name not in lethal:
                try:
                    prepared.append(finish(keypoints_of(task, self.settings), self.settings))
                except Exception as error:  # whatever a clip holds, the others are prepared
                    failures.append(_failure(task, error))
        store(self.file_of(shard), prepared, failures)

    def attempt(self, shard: Shard[Task], name: str) -> None:
        """Prepare a clip, and store nothing."""
        try:
            finish(keypoints_of(shard.items[name], self.settings), self.settings)
        except Exception:
            return

    def is_stored(self, shard: Shard[Task]) -> bool:
        """Tell whether the shard's file is there."""
        return self.file_of(shard).exists()

    def file_of(self, shard: Shard[Task]) -> Path:
        """Name the file that holds the shard when it is done."""
        return self.folder / f"{shard.number:06d}-{shard.key}.safetensors"


def _failure(task: Task, error: Exception) -> Failure:
    reason = " ".join(f"{error}".split()) or type(error).__name__
    if not isinstance(error, (ValueError, OSError)):
        reason = f"{type(error).__name__}: {reason}"
    return Failure(name=task.name, reason=reason, trace="".join(traceback.format_exception(error)))


def store(path: Path, prepared: list[Prepared], failures: list[Failure]) -> None:
    """Write what came of a shard, whole or, with an ``OSError``, not at all."""
    joints = [clip.joints for clip in prepared] or [np.zeros((0, 50, 3), dtype=np.float32)]
    bones = [clip.bones for clip in prepared]
    arrays: dict[str, NDArray[Any]] = {
        "joints": np.concatenate(joints),
        "bones": np.asarray(np.stack(bones) if bones else np.zeros((0, 49)), dtype=np.float64),
    }
    clips = [{**clip.facts, "frames": len(clip.joints)} for clip in prepared]
    write_sealed(path, arrays, {"clips": clips, "failures": [vars(failure) for failure in failures]})


def load(path: Path) -> list[Prepared]:
    """Read the clips that `store` wrote; an ``OSError`` or ``ValueError`` if the file cannot be read, or is damaged."""
    arrays, known = read_sealed(path)
    prepared, start = [], 0
    for facts, lengths in zip(known["clips"], arrays["bones"], strict=True):
        count = facts.pop("frames")
        prepared.append(Prepared(joints=arrays["joints"][start : start + count], bones=lengths, facts=facts))
        start += count
    return prepared


def load_summary(path: Path) -> tuple[list[dict[str, Any]], NDArray[np.float64], list[Failure]]:
    """Read all but the movements: the facts of the clips, their limbs (C, 49), and the failures; else as `load`."""
    arrays, known = read_sealed(path)
    return known["clips"], arrays["bones"], [Failure(**failure) for failure in known["failures"]]
