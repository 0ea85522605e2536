"""Files of weights: safetensors whose header fits the file, and indices that name such files beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from signdiff_core.messages import one_line
from signdiff_core.trust.error import ModelFolderError
from signdiff_core.trust.files import is_plain, read_json

if TYPE_CHECKING:
    import os

MAX_HEADER: Final = 1 << 24
"""Largest header that is read, in bytes; one of a hundred thousand tensors fits."""

_LENGTH: Final = 8
"""Bytes in front of the header, which tell its length."""


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

    Raises:
        ModelFolderError: it names something else.
        OSError: it cannot be read.
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
