"""Arrays and notes on them, in a file that shows by itself whether it is as it was stored."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core.atomic import replacing
from signdiff_core.trust.files import check_weights

_KEY: Final = "sealed"


def write_sealed(path: str | os.PathLike[str], arrays: Mapping[str, NDArray[Any]], notes: Any) -> None:
    """Write a safetensors file with its own SHA-256, whole or not at all; equal contents give equal bytes.

    Arrays go by name; notes are JSON values.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as home:
        ...     write_sealed(Path(home) / "part", {"a": np.arange(3)}, {"clip": "hello"})
        ...     read_sealed(Path(home) / "part")
        ({'a': array([0, 1, 2])}, {'clip': 'hello'})
    """
    from safetensors.numpy import save

    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    # Under one key, for safetensors writes several in any order.
    sealed = json.dumps({"told": notes, "sha256": _digest(plain, notes)})
    with replacing(path) as temporary:
        temporary.write_bytes(save(plain, {_KEY: sealed}))


def read_sealed(path: str | os.PathLike[str]) -> tuple[dict[str, NDArray[Any]], Any]:
    """Read the arrays that `write_sealed` wrote, and the notes on them.

    Raises OSError where it cannot be read, ValueError where it is damaged, or something else.
    """
    from safetensors import safe_open

    check_weights(path)
    try:
        with safe_open(path, framework="numpy") as file:
            sealed = json.loads((file.metadata() or {})[_KEY])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (a file, no mapping)
        notes, digest = sealed["told"], sealed["sha256"]
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise _damaged(path) from error
    if _digest(arrays, notes) != digest:
        raise _damaged(path)
    return arrays, notes


def _digest(arrays: Mapping[str, NDArray[Any]], notes: Any) -> str:
    digest = hashlib.sha256(json.dumps(notes).encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode(errors="surrogatepass"))
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def _damaged(path: str | os.PathLike[str]) -> ValueError:
    return ValueError(f"{path} must be as it was stored, but is damaged: remove it, and what it held is made anew.")
