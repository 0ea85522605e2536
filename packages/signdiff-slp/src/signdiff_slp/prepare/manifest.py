"""What a prepared corpus was made of, so that the same command knows that it is done."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from signdiff_core.video import probe
from signdiff_core.wording import count_clips, different_clips, different_settings
from signdiff_slp.prepare.plan import code_hash, content_hash

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from signdiff_slp.prepare.plan import Shard, Task
    from signdiff_slp.prepare.quality import Limits
    from signdiff_slp.prepare.settings import Settings

_NAME: Final = "manifest.json"


def write_manifest(
    folder: Path,
    settings: Settings,
    options: Mapping[str, Any],
    shards: Sequence[Shard],
    hashes: Mapping[str, str],
) -> None:
    """Write ``manifest.json``.

    Args:
        folder: of the corpus.
        settings: what was done to every clip.
        options: of `known_options`.
        shards: all of them.
        hashes: of the content of each clip that could be read, by name.
    """
    content = {
        "code": code_hash(),
        "settings": asdict(settings),
        "options": options,
        "inputs": hashes,
        "texts": _texts(shards),
    }
    (folder / _NAME).write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def known_options(limits: Limits, *, skels: bool, seed: int, tolerance: float) -> dict[str, Any]:
    """Name what else decides the corpus, as JSON values."""
    return {**finite(asdict(limits)), "skels": skels, "seed": seed, "tolerance": tolerance}


def differences(folder: Path, settings: Settings, options: Mapping[str, Any], shards: Sequence[Shard]) -> list[str]:
    """Tell what a finished corpus was made of otherwise than one would be now.

    Args:
        folder: with a ``manifest.json``.
        settings: those of now.
        options: likewise, of `known_options`.
        shards: likewise.

    Returns:
        What differs, in words; nothing if the same is asked for of the same files, whose content is read for that.

    Raises:
        FileExistsError: the folder holds no such corpus.
    """
    try:
        known = json.loads((folder / _NAME).read_text(encoding="utf-8"))
        was = {**known["settings"], **known["options"]}
        hashes, texts = dict(known["inputs"]), dict(known["texts"])
    except (OSError, ValueError, KeyError, TypeError):
        raise FileExistsError(
            f"output must be new or empty, or the corpus that the same command made, but {folder} is not."
        ) from None
    now = {**asdict(settings), **options}
    found = different_settings(was, now) + different_clips(texts, _texts(shards), "text or split")
    if not found:
        tasks = [task for shard in shards for task in shard.tasks if task.name in hashes]
        changed = [task.name for task in tasks if _hash(task, settings) != hashes[task.name]]
        found = count_clips(changed, "have another content")
    return found


def made_by_this_code(folder: Path) -> bool:
    """Tell whether a corpus was made by these versions."""
    return bool(json.loads((folder / _NAME).read_text(encoding="utf-8"))["code"] == code_hash())


def finite(limits: Mapping[str, float]) -> dict[str, float | None]:
    """Replace infinity by None: JSON knows none."""
    return {name: value if np.isfinite(value) else None for name, value in limits.items()}


def _texts(shards: Sequence[Shard]) -> dict[str, str]:
    """Hash split and text of every clip, by name."""
    return {
        task.name: hashlib.sha256(f"{task.split}\n{' '.join(task.text.split())}".encode()).hexdigest()[:16]
        for shard in shards
        for task in shard.tasks
    }


def _hash(task: Task, settings: Settings) -> str:
    """Hash a clip's content as `steps.keypoints_of` does; a clip that cannot be read any more is another one."""
    try:
        video = task.source.video
        fps = settings.source_fps if video is None else probe(video).fps or settings.source_fps
        return content_hash(task.source, fps)
    except (OSError, ValueError):
        return ""
