"""Values that come from outside, checked before any work: devices that models run on, names of data as paths."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

MAX_PART: Final = 200
"""Most bytes between two slashes of a name: file systems take 255, suffixes included."""


def check_device(name: Any) -> None:
    """Raise ValueError unless PyTorch has a device, such as ``"cpu"`` or ``"cuda:1"``, on this machine.

    Example:
        >>> check_device("cpu")
        >>> check_device("gpu")
        Traceback (most recent call last):
        ...
        ValueError: device must be one that PyTorch has here (cpu...), but is 'gpu'.
    """
    if name == "cpu":
        return
    import torch

    try:
        is_usable, cause = not torch.empty(1, device=name).is_meta, None  # a meta device holds no values
    # For each kind of device that is not there, PyTorch raises another kind of error.
    except (AssertionError, RuntimeError, TypeError, ValueError, ImportError, OverflowError) as error:
        is_usable, cause = False, error
    if not is_usable:
        found = ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
        found += ["mps"] if torch.backends.mps.is_available() else []
        raise ValueError(
            f"device must be one that PyTorch has here ({', '.join(found)}), but is {str(name)!r}."
        ) from cause


def inside(folder: str | os.PathLike[str], name: str, suffix: str = "") -> Path:
    """Give the path ``folder/name.suffix`` that a name of data has in a folder; folders in it need not exist.

    Raises ValueError where the name would lie elsewhere, or no file can have it; see `check_name`.

    Example:
        >>> inside("poses", "test/15December", ".pose").as_posix()
        'poses/test/15December.pose'
    """
    check_name(name)
    return Path(folder, name + suffix)


def check_name(name: object, what: str = "name") -> None:
    """Make sure that a name of data is a path inside a folder: parts between slashes, none empty, ``.`` or ``..``.

    Raises ValueError where it is none, or has a backslash, a NUL, what no text can have, or a part that is too long for
    a file; `what` says there what it is.

    Example:
        >>> check_name("../../escaped")
        Traceback (most recent call last):
        ...
        ValueError: name must be a path inside a folder, without empty parts, '.' and '..', but is '../../escaped'.
    """
    if not isinstance(name, str):
        raise ValueError(f"{what} must be a path inside a folder, but is {type(name).__name__}.")
    parts = name.split("/")
    if "\\" in name or "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise ValueError(
            f"{what} must be a path inside a folder, without empty parts, '.' and '..', but is {name!r:.100}."
        )
    try:
        lengths = [len(part.encode()) for part in parts]
    except UnicodeEncodeError as error:
        raise ValueError(f"{what} must be text that UTF-8 can hold, but is {name!a:.100}.") from error
    if max(lengths) > MAX_PART:
        raise ValueError(f"{what} must have at most {MAX_PART} bytes between slashes, but is {name!r:.100}.")
