"""Whether a finished set is the one that is asked for, and what differs if it is not."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from signdiff_core.prepare.files import MANIFEST
from signdiff_core.prepare.plan import code_version, content_hash
from signdiff_core.wording import count_clips, different_clips, different_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from signdiff_core.prepare.gather import Clip
    from signdiff_core.prepare.settings import Settings


def known_texts(clips: Iterable[Clip]) -> dict[str, str]:
    """Hash the caption of every clip, by the clip's name."""
    return {clip.name: hashlib.sha256(clip.text.encode()).hexdigest()[:16] for clip in clips}


def differences(folder: Path, settings: Settings, clips: Sequence[Clip]) -> list[str]:
    """Tell what a finished set was made of otherwise than one would be now.

    Args:
        folder: with a manifest.
        settings: those of now.
        clips: likewise.

    Returns:
        What differs, in words; nothing if the same is asked for of the same files, whose content is read for that.

    Raises:
        FileExistsError: the folder holds no such set.
    """
    try:
        known = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        was, hashes, texts = dict(known["settings"]), dict(known["inputs"]), dict(known["texts"])
    except (OSError, ValueError, KeyError, TypeError):
        raise FileExistsError(
            f"output must be new or empty, or the set that the same command made, but {folder} is not."
        ) from None
    now: dict[str, Any] = {**asdict(settings), "frnet": dict(settings.frnet)}
    found = different_settings(was, now) + different_clips(texts, known_texts(clips), "caption")
    if not found:
        changed = [clip.name for clip in clips if clip.name in hashes and _hashes(clip) != hashes[clip.name]]
        found = count_clips(changed, "have another content")
    return found


def made_by_this_code(folder: Path) -> bool:
    """Tell whether a set was made by these versions."""
    return bool(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["versions"] == code_version())


def _hashes(clip: Clip) -> dict[str, str]:
    try:
        return {"video": content_hash(clip.video), "pose": content_hash(clip.pose)}
    except OSError:
        return {}
