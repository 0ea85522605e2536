"""What decides the frames of a video, in short: so that one is only gone on with as it was begun."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pose_format import Pose

_PLACES: Final = ("model", "frnet_source", "anchor")
"""Options that may name a file or a folder."""


def fingerprint(pose: Pose, options: Mapping[str, Any]) -> dict[str, str]:
    """Sum up a pose and how it is drawn.

    Args:
        pose: what is drawn.
        options: of the drawing, by name. A model or a video that is a file or a folder stands for what is in there:
            names, sizes and times of change.

    Returns:
        A short text by name.
    """
    data = np.ma.getmaskarray(pose.body.data), np.ma.getdata(pose.body.data), np.ma.getdata(pose.body.confidence)
    digest = hashlib.sha256(repr([(part.shape, part.dtype.str) for part in data]).encode())
    for part in data:
        digest.update(np.ascontiguousarray(part).tobytes())
    told = {name: _stamp(Path(value)) if name in _PLACES else str(value) for name, value in options.items()}
    return {"pose": digest.hexdigest()[:16], **told}


def _stamp(path: Path) -> str:
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    if not files:
        return str(path)  # such as a model's name on a hub
    digest = hashlib.sha256()
    for file in files:
        status = file.stat()
        digest.update(f"{file.relative_to(path)} {status.st_size} {status.st_mtime_ns}\n".encode())
    return f"{path.name} ({digest.hexdigest()[:16]})"
