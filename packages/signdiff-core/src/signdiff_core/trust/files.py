"""Files of a model's folder: regular ones inside it, of a bounded size; weights are whole safetensors."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any, Final

from signdiff_core.wording import one_line

MAX_CONFIG: Final = 1 << 24
"""Largest configuration or index that is read, in bytes."""

MAX_HEADER: Final = 1 << 24
"""Largest header that is read, in bytes; one of a hundred thousand tensors fits."""

_LENGTH: Final = 8
"""Bytes in front of the header, which tell its length."""

_LONGEST: Final = 255
"""Longest name of a file, in bytes."""

_PACKAGE: Final = Path(__file__).parents[1]


class ModelFolderError(ValueError):
    """A model that is not read: it is damaged, leads out of its folder, or holds more than data."""


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
    """Make sure that an entry of a model's folder is what it seems: bytes of a file; None for a folder.

    A link may lead to another place of the folder, or, in a snapshot of the Hugging Face cache, to the blobs beside it.
    What came with this package may be links wherever the installer keeps its files. Raises ModelFolderError where it is
    a link that leads elsewhere or nowhere, or is neither a file nor a folder.
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
    """Read a JSON object of bounded size, or raise ModelFolderError; OSError where it cannot be read."""
    content = read_any_json(path)
    if not isinstance(content, dict):
        raise ModelFolderError(f"{path} must hold a JSON object, but holds a {type(content).__name__}.")
    return content


def read_any_json(path: Path) -> Any:
    """Read any JSON of bounded size, or raise ModelFolderError; OSError where it cannot be read."""
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


def check_weights(path: str | os.PathLike[str]) -> None:
    """Make sure that a safetensors file is whole. Its header is read, and none of its tensors.

    Args:
        path: the file.

    Raises:
        ModelFolderError: it is no safetensors file, is cut off, or has something behind its end.
        OSError: it cannot be read.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(_LENGTH)
        length = int.from_bytes(start, "little")
        if start == b"version ":
            raise ModelFolderError(
                f"{path} must be a safetensors file, but is what Git LFS puts in its place: run git lfs pull."
            )
        if len(start) < _LENGTH:
            raise ModelFolderError(f"{path} must be a safetensors file, but has only {size} bytes.")
        if length > MAX_HEADER:
            raise ModelFolderError(
                f"{path} must be a safetensors file, with a header of at most {MAX_HEADER} bytes, but its first "
                f"{_LENGTH} bytes tell of {length}."
            )
        header = file.read(length)
    if len(header) < length:
        raise _truncated(path, size, _LENGTH + length)
    try:
        # The library compares names, types, shapes and offsets with each other and with the file.
        with safe_open(path, framework="numpy"):
            pass
    except SafetensorError as error:
        promised = _LENGTH + length + _end(header)
        if size < promised:
            raise _truncated(path, size, promised) from error
        raise ModelFolderError(
            f"{path} must be a safetensors file, but cannot be read as one: {one_line(error)}."
        ) from error


def check_index(path: Path) -> None:
    """Make sure that an index of sharded weights names safetensors files beside it, and that they are there.

    Raises ModelFolderError where it names something else, OSError where it cannot be read.
    """
    shards = read_json(path).get("weight_map")
    if not isinstance(shards, dict):
        raise ModelFolderError(f"{path} must hold an object under weight_map, but does not.")
    for tensor, shard in shards.items():
        if not is_plain(shard) or not shard.endswith(".safetensors"):
            raise ModelFolderError(
                f"{path} must name safetensors files of its own folder, but has {shard!r} for {tensor!r}."
            )
    for shard in sorted(set(shards.values())):
        if not (path.parent / shard).is_file():
            raise ModelFolderError(f"{path} must name files that are there, but {shard} is missing.")


def _end(header: bytes) -> int:
    """Tell where the last tensor ends, counted from the header's end; 0 if the header does not say."""
    try:
        tensors = json.loads(header)
        return max(int(tensors[name]["data_offsets"][1]) for name in tensors if name != "__metadata__")
    except (ValueError, TypeError, LookupError, RecursionError, OverflowError):
        return 0


def _truncated(path: Path, size: int, promised: int) -> ModelFolderError:
    return ModelFolderError(
        f"{path} must be a whole safetensors file, but is truncated: it has {size} bytes, its header promises "
        f"{promised}."
    )
