"""Tensors that are written piece by piece, for they may be larger than memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

_DTYPES: Final = {"float32": "F32", "int64": "I64"}


def write_tensor(
    path: Path,
    name: str,
    pieces: Iterable[NDArray[np.generic]],
    *,
    dtype: str,
    shape: tuple[int, ...],
    metadata: dict[str, str] | None = None,
) -> None:
    """Write a safetensors file of one tensor.

    Args:
        path: the file.
        name: of the tensor.
        pieces: what the tensor consists of, along its first axis.
        dtype: ``float32`` or ``int64``.
        shape: of the whole tensor.
        metadata: what the file's header tells beside it.

    Raises:
        ValueError: the pieces do not make up the shape.
        OSError: the file cannot be written.
    """
    kind = np.dtype(dtype).newbyteorder("<")
    length = int(np.prod(shape)) * kind.itemsize
    told: dict[str, object] = {"__metadata__": metadata} if metadata else {}
    told[name] = {"dtype": _DTYPES[dtype], "shape": shape, "data_offsets": [0, length]}
    header = json.dumps(told).encode()
    header += b" " * (-len(header) % 8)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        start = file.tell()
        for piece in pieces:
            if piece.shape[1:] != shape[1:]:
                raise ValueError(f"{name} must have pieces of (N, {shape[1:]}), but one is {piece.shape}.")
            file.write(np.ascontiguousarray(piece, dtype=kind).tobytes())
        if file.tell() - start != length:
            raise ValueError(f"{name} must have the shape {shape}, but its pieces hold {file.tell() - start} bytes.")
