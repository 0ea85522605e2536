"""Checkpoints that ``torch.save`` wrote: nothing is executed, and nothing is believed of what the file's size refutes.

``weights_only`` keeps code from running, but not from being handed memory that is not there: torch takes the sizes of
storages from the pickle. So archives are mapped, which keeps all reading within the file, after every member's checksum
was compared; and files of torch before 1.6 are searched for tensors that are larger than they are.
"""

from __future__ import annotations

import pickle
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from torch import Tensor

MAX_SIZE: Final = 4 << 30
"""Largest checkpoint that is read, in bytes."""

LARGEST: Final = 1e6
"""Largest absolute value of a weight."""

BROKEN: Final = (
    *(ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError, OSError, RuntimeError),
    *(TypeError, ValueError, pickle.UnpicklingError, struct.error, zipfile.BadZipFile, zlib.error),
)
"""What zipfile and torch raise for broken files."""

_GLOBAL: Final = re.compile(r"(?:Unsupported global:|unsupported) GLOBAL ([\w.<>]+)")
_TORCHS_REASON: Final = "WeightsUnpickler error: "
"""What stands, after advice, before the reason."""

_ESCAPES: Final = re.compile(r"\x1b\[[0-9;]*m|[^ -~]")

_HARMLESS: Final = ("numpy.dtype", "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
"""What may be named besides tensors and plain values; nothing of NumPy is called for it."""


class _Scalar:
    """Stands for NumPy's dtypes and scalars, which published checkpoints hold as their score."""

    def __init__(self, *arguments: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Read the parameters of a checkpoint, ``model_state`` of a ``.ckpt`` file, or a state dict itself, as float32.

    A ``ValueError`` that names the file says if it is too large, is no checkpoint, or holds more than tensors, plain
    values and NumPy scalars, or values that are not finite or beyond `LARGEST`.
    """
    size = path.stat().st_size
    if size > MAX_SIZE:
        raise ValueError(f"{path} must have at most {MAX_SIZE} bytes, but has {size}.")
    content = _content(path)
    state = content.get("model_state", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not state:
        raise ValueError(f"{path} must hold a state dict, or one under model_state, but does not.")
    # Tied weights are stored once and named several times.
    left = 4 * size
    values = {}
    for name, value in state.items():
        _check(path, name, value)
        left -= value.numel()
        if left < 0:
            raise ValueError(
                f"{path} must hold all values of its tensors, but they are more than the file has room for."
            )
        values[str(name)] = value.float()
        if not bool((values[name].abs() <= LARGEST).all()):
            raise ValueError(f"{path} must hold weights that are finite and up to {LARGEST:g}, but {name!r} are not.")
    return values


def _content(path: Path) -> Any:
    import torch

    from signdiff_eval.readers.torch_files import check_torch_file

    try:
        archive = check_torch_file(path)
        with torch.serialization.safe_globals([(_Scalar, name) for name in _HARMLESS]):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=archive)
    except BROKEN as error:
        message = f"{path} must be a checkpoint of tensors, but"
        if found := _GLOBAL.search(str(error)):
            allowed = "tensors, plain values and NumPy scalars"
            raise ValueError(
                f"{message} names {found.group(1)}, which could run code: only {allowed} are read."
            ) from error
        reason = str(error).rpartition(_TORCHS_REASON)[2].strip().partition("\n")[0]
        reason = _ESCAPES.sub("", reason) or type(error).__name__
        raise ValueError(f"{message} cannot be read: {reason}") from error


def _check(path: Path, name: object, value: object) -> None:
    import torch

    kinds = (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.uint8)
    if not isinstance(name, str) or not isinstance(value, torch.Tensor):
        raise ValueError(f"{path} must hold a tensor for each name, but {name!r:.100} is {type(value).__name__}.")
    if value.layout != torch.strided or value.device.type != "cpu" or value.dtype not in kinds:
        raise ValueError(f"{path} must hold plain tensors, but {name!r} is {value.dtype} on {value.device}.")
    if value.numel() * value.element_size() > value.untyped_storage().nbytes():
        raise ValueError(f"{path} must hold all values of {name!r}, but holds fewer than its shape has.")
