"""Devices that models run on, checked before anything is loaded for them."""

from __future__ import annotations

from typing import Any


def check_device(name: Any) -> None:
    """Make sure that PyTorch can run something on a device of this machine.

    Args:
        name: such as ``"cpu"`` or ``"cuda:1"``, or a ``torch.device``.

    Raises:
        ValueError: there is no such device here.

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
        held = torch.empty(1, device=name)
    # For each kind of device that is not there, PyTorch raises another kind of error.
    except (AssertionError, RuntimeError, TypeError, ValueError, ImportError, OverflowError) as error:
        raise ValueError(_told(name)) from error
    if held.is_meta:  # a device that holds no values
        raise ValueError(_told(name))


def _told(name: Any) -> str:
    import torch

    found = ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
    found += ["mps"] if torch.backends.mps.is_available() else []
    return f"device must be one that PyTorch has here ({', '.join(found)}), but is {str(name)!r}."
