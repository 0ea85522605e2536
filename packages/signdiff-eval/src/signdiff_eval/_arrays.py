"""Turns what users give into NumPy arrays: whatever can't be one is an error that names the argument."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


def array_of(name: str, values: Any) -> NDArray[Any]:
    """Turn values, a torch tensor on any device included, into an array of whatever dtype.

    Raises:
        ValueError: they aren't one array, such as lists of different lengths.
    """
    try:
        return np.asarray(_plain(values))
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        kind = type(values).__name__
        raise ValueError(f"{name} must be an array of numbers, but this {kind} can't be one: {reason:.200}") from error


def numbers(name: str, values: Any) -> NDArray[np.float64]:
    """Turn values into float64.

    Raises:
        ValueError: as for `array_of`, or they aren't real numbers.
    """
    array = array_of(name, values)
    if array.dtype.kind not in "biufO":
        raise ValueError(f"{name} must be real numbers, but is {array.dtype}.")
    try:
        return array.astype(np.float64, copy=False)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise ValueError(f"{name} must be real numbers, but is no such {type(values).__name__}: {error}") from error


def indices(values: Iterable[Any], count: int) -> list[int] | None:
    """Take values for indices of ``count`` things; None where they aren't such, or none."""
    try:
        given = list(values)
        chosen = [operator.index(value) for value in given]
    except TypeError:
        return None
    if not chosen or any(isinstance(value, (bool, np.bool_)) for value in given):  # a mask is no list of indices
        return None
    return chosen if min(chosen) >= 0 and max(chosen) < count else None


def _plain(values: Any) -> Any:
    """Take tensors out of torch's graph, and those of types that NumPy lacks as float32."""
    if isinstance(values, (list, tuple)):
        return [_plain(value) for value in values] if any(map(_nested, values)) else values
    if not _tensor(values):
        return values
    values = values.detach().cpu()
    try:
        return values.numpy()
    except TypeError:
        return values.float().numpy()


def _nested(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or _tensor(value)


def _tensor(values: Any) -> bool:
    # By its name: nobody who has tensors has not imported torch, and nobody else should.
    return type(values).__module__.partition(".")[0] == "torch" and hasattr(values, "detach")
