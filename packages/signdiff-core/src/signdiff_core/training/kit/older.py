"""Checkpoints as signdiff-frnet and signdiff-eval had accelerate write them before: read, never written.

Weights are safetensors, but the optimizer's state is an archive of ``torch.save``. Tensors and plain values alone are
taken from it: no code in it runs. torch takes the sizes of what it reads from the archive itself, and would unpack a
few kilobytes to gigabytes, so the archive is looked over first.
"""

from __future__ import annotations

import json
import pickle
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

import torch

from signdiff_core.wording import one_line

WEIGHTS: Final = "model.safetensors"
"""File with the weights of everything that was trained."""

_STATE: Final = "state.json"
_LARGEST: Final = 1 << 20
_MAX_PICKLE: Final = 1 << 26
"""Largest description of what an archive holds, in bytes."""


def matches(folder: Path) -> bool:
    """Tell whether a folder is such a checkpoint."""
    return (folder / _STATE).is_file() and (folder / WEIGHTS).is_file()


def read_state(folder: Path) -> dict[str, Any]:
    """Read what is no tensor, in the form that `signdiff_core.training.kit.state` gives it today.

    Raises:
        ValueError: it is too large, or no JSON object.
        OSError: it cannot be read.
    """
    path = folder / _STATE
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"{path} must have at most {_LARGEST} bytes, but has {path.stat().st_size}.")
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        identity = dict(state.pop("identity", None) or {})
        state.pop("schedule", None)  # the learning rate is a function of the step
    except (AttributeError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"{path} must hold a JSON object of a run, but does not: {one_line(error)}.") from error
    scaler = folder / "scaler.pt"
    return {
        "data": identity.pop("data", ""),
        "settings": identity,
        "progress": {"step": int(folder.name.rpartition("-")[2])},
        "scaler": _archive(scaler) if scaler.is_file() else None,
        "extras": state,
    }


def read_moments(folder: Path) -> dict[int, dict[str, Any]]:
    """Read the optimizer's state, by the numbers of its parameters.

    Raises:
        ValueError: it is damaged, or holds something else.
        OSError: it cannot be read.
    """
    path = folder / "optimizer.bin"
    content = _archive(path)
    state = content.get("state")
    if not isinstance(state, dict) or any(type(index) is not int or type(state[index]) is not dict for index in state):
        raise ValueError(f"{path} must hold an optimizer's state, but does not.")
    return state


def _archive(path: Path) -> dict[str, Any]:
    """Read a dictionary that torch saved."""
    if not path.is_file():
        raise ValueError(f"{path} must be there, but is not.")
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
                    raise ValueError(f"{member.filename} is compressed or encrypted")
                if member.filename.endswith(".pkl") and member.file_size > _MAX_PICKLE:
                    raise ValueError(f"{member.filename} has more than {_MAX_PICKLE} bytes")
            if (broken := archive.testzip()) is not None:
                raise ValueError(f"{broken} is damaged")
        # Mapped, torch refuses tensors that are larger than the file.
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (
        *(ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, OSError, RuntimeError, TypeError),
        *(ValueError, pickle.UnpicklingError, struct.error, zipfile.BadZipFile, zlib.error),
    ) as error:
        raise ValueError(f"{path} must be an archive of torch, but cannot be read: {one_line(error)}.") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a dictionary, but holds a {type(content).__name__}.")
    return content
