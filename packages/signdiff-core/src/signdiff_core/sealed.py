"""Arrays with what is told of them, in a file that shows by itself whether it is as it was stored."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from signdiff_core.atomic import replacing
from signdiff_core.trust import check_weights

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import NDArray

_KEY: Final = "sealed"


def write_sealed(path: str | os.PathLike[str], arrays: Mapping[str, NDArray[Any]], told: Any) -> None:
    """Write a safetensors file with its own SHA-256; equal contents give equal bytes.

    Args:
        path: the file; there whole or not at all.
        arrays: by name.
        told: JSON values.

    Raises:
        OSError: it cannot be written.

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
    noted = json.dumps({"told": told, "sha256": _digest(plain, told)})
    with replacing(path) as temporary:
        temporary.write_bytes(save(plain, {_KEY: noted}))


def read_sealed(path: str | os.PathLike[str]) -> tuple[dict[str, NDArray[Any]], Any]:
    """Read what `write_sealed` wrote.

    Returns:
        The arrays, and what is told of them.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged, or something else.
    """
    from safetensors import safe_open

    check_weights(path)
    try:
        with safe_open(path, framework="numpy") as file:
            noted = json.loads((file.metadata() or {})[_KEY])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (a file, no mapping)
        told, digest = noted["told"], noted["sha256"]
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise _damaged(path) from error
    if _digest(arrays, told) != digest:
        raise _damaged(path)
    return arrays, told


def _digest(arrays: Mapping[str, NDArray[Any]], told: Any) -> str:
    digest = hashlib.sha256(json.dumps(told).encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode(errors="surrogatepass"))
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def _damaged(path: str | os.PathLike[str]) -> ValueError:
    return ValueError(f"{path} must be as it was stored, but is damaged: remove it, and what it held is made anew.")
