"""Files of a model's folder: regular ones, inside it, and of a bounded size."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any, Final

from signdiff_core.trust.error import ModelFolderError

MAX_CONFIG: Final = 1 << 24
"""Largest configuration or index that is read, in bytes."""

_LONGEST: Final = 255
"""Longest name of a file, in bytes."""

_PACKAGE: Final = Path(__file__).parents[1]


def is_plain(name: object) -> bool:
    """Tell whether something is the name of a file, with no path in it.

    Example:
        >>> is_plain("model.safetensors"), is_plain("../model.safetensors"), is_plain("C:model")
        (True, False, False)
    """
    if not isinstance(name, str) or len(name.encode("utf-8", "replace")) > _LONGEST:
        return False
    return name not in ("", ".", "..") and not set(name) & set("/\\:\0")


def check_entry(path: Path, root: Path) -> int | None:
    """Make sure that an entry of a model's folder is what it seems.

    A link may lead to another place of the folder, or, in a snapshot of the Hugging Face cache, to the blobs beside it.
    What came with this package may be links wherever the installer keeps its files.

    Args:
        path: the entry.
        root: the model's folder.

    Returns:
        Bytes of a file; None for a folder.

    Raises:
        ModelFolderError: it is a link that leads elsewhere or nowhere, or is neither a file nor a folder.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise ModelFolderError(f"{path} must be a file or a folder, but is neither ({error.strerror}).") from error
    target = Path(os.path.realpath(path))
    if not any(target.is_relative_to(home) for home in _homes(root)) and not _is_ours(root):
        raise ModelFolderError(f"{path} must lie in the model's folder, but is a link to {target}; copy it there.")
    if stat.S_ISDIR(status.st_mode):
        return None
    if not stat.S_ISREG(status.st_mode):
        raise ModelFolderError(f"{path} must be a file or a folder, but is a pipe or a device.")
    return status.st_size


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object of bounded size.

    Raises:
        ModelFolderError: the file is too large, or holds something else.
        OSError: it cannot be read.
    """
    content = read_any_json(path)
    if not isinstance(content, dict):
        raise ModelFolderError(f"{path} must hold a JSON object, but holds a {type(content).__name__}.")
    return content


def read_any_json(path: Path) -> Any:
    """Read JSON of bounded size: an object, or anything else.

    Raises:
        ModelFolderError: the file is too large, or is no JSON.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        text = file.read(MAX_CONFIG + 1)
    if len(text) > MAX_CONFIG:
        raise ModelFolderError(f"{path} must have at most {MAX_CONFIG} bytes, but has more.")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFolderError(f"{path} must be JSON, but is not: {error}.") from error


def _homes(root: Path) -> tuple[Path, ...]:
    home = Path(os.path.realpath(root))
    return home, *(one.parent / "blobs" for one in (home, *home.parents) if one.name == "snapshots")


def _is_ours(root: Path) -> bool:
    return Path(os.path.normpath(root.absolute())).is_relative_to(_PACKAGE)
