"""Process a shard, and store what came of it: one file, which is there whole or not at all."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from signdiff_core.sealed import read_sealed, write_sealed
from signdiff_slp.prepare.steps import Prepared, finish, keypoints_of, lift_clips

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from signdiff_slp.prepare.plan import Shard, Task
    from signdiff_slp.prepare.settings import Settings
    from signdiff_slp.prepare.steps import Seen


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A clip that could not be prepared.

    Attributes:
        name: of the clip.
        reason: in one line.
        trace: where it happened.
    """

    name: str
    reason: str
    trace: str


def process(shard: Shard, settings: Settings, folder: Path, lethal: Collection[str] = ()) -> str:
    """Prepare the clips of a shard, unless it is stored already.

    A clip that fails is stored with its traceback, and stops nothing.

    Args:
        shard: the clips.
        settings: what is done to them.
        folder: where shards are stored.
        lethal: names of clips that killed a process; they are stored as failures and not touched again.

    Returns:
        The name of the shard's file.

    Raises:
        OSError: the file cannot be written.
    """
    if (folder / shard.file).exists():
        return shard.file
    cleaned: list[Seen] = []
    failures = [Failure(name=name, reason="it killed the process that read it", trace="") for name in sorted(lethal)]
    for task in shard.tasks:
        if task.name not in lethal:
            try:
                cleaned.append(keypoints_of(task, settings))
            except Exception as error:  # whatever a clip holds, the others go on
                failures.append(_failure(task, error))
    prepared = []
    for clip, lifted in _lift(cleaned, settings, failures):
        try:
            prepared.append(finish(clip, lifted, settings))
        except Exception as error:
            failures.append(_failure(clip.task, error))
    store(folder / shard.file, prepared, failures)
    return shard.file


def _lift(
    cleaned: list[Seen], settings: Settings, failures: list[Failure]
) -> Iterator[tuple[Seen, NDArray[np.floating]]]:
    """Lift all clips together; if that fails, each alone, to find the one that it fails on."""
    try:
        yield from zip(cleaned, lift_clips(cleaned, settings), strict=True)
    except Exception:
        for clip in cleaned:
            try:
                [lifted] = lift_clips([clip], settings)
            except Exception as error:
                failures.append(_failure(clip.task, error))
            else:
                yield clip, lifted


def _failure(task: Task, error: Exception) -> Failure:
    reason = " ".join(f"{error}".split()) or type(error).__name__
    if not isinstance(error, (ValueError, OSError)):
        reason = f"{type(error).__name__}: {reason}"
    return Failure(name=task.name, reason=reason, trace="".join(traceback.format_exception(error)))


def store(path: Path, prepared: list[Prepared], failures: list[Failure]) -> None:
    """Write what came of a shard.

    Raises:
        OSError: it cannot be written; nothing is left of it then.
    """
    joints = [clip.joints for clip in prepared] or [np.zeros((0, 50, 3), dtype=np.float32)]
    bones = [clip.bones for clip in prepared]
    arrays: dict[str, NDArray[Any]] = {
        "joints": np.concatenate(joints),
        "bones": np.asarray(np.stack(bones) if bones else np.zeros((0, 49)), dtype=np.float64),
    }
    clips = [{**clip.told, "frames": len(clip.joints)} for clip in prepared]
    write_sealed(path, arrays, {"clips": clips, "failures": [vars(failure) for failure in failures]})


def load(path: Path) -> list[Prepared]:
    """Read the clips that `store` wrote.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged.
    """
    arrays, known = read_sealed(path)
    prepared, start = [], 0
    for told, lengths in zip(known["clips"], arrays["bones"], strict=True):
        count = told.pop("frames")
        prepared.append(Prepared(joints=arrays["joints"][start : start + count], bones=lengths, told=told))
        start += count
    return prepared


def load_summary(path: Path) -> tuple[list[dict[str, Any]], NDArray[np.float64], list[Failure]]:
    """Read all but the movements: what is told of the clips, their limbs (C, 49), and the failures; else as `load`."""
    arrays, known = read_sealed(path)
    return known["clips"], arrays["bones"], [Failure(**failure) for failure in known["failures"]]
