"""The counters of ``.skels`` files: the last of the 151 numbers of a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

VALUES: Final = 151
"""Numbers of a frame: 50 joints of (x, y, z), and the counter."""

MAX_LINE: Final = 2**27
"""Longest line that is read, in bytes."""


def counters_of(path: Path) -> Iterator[NDArray[Any]]:
    """Read the counters of each sequence of a file; nothing where it is no ``.skels`` file.

    Yields:
        (T,) float64.
    """
    if path.suffix != ".skels":
        return
    with path.open("rb") as file:
        while line := file.readline(MAX_LINE):
            numbers = line.split()
            if not numbers or len(numbers) % VALUES:
                return
            yield np.array(numbers[VALUES - 1 :: VALUES], dtype=np.float64)


def same_counters(reference: NDArray[Any], hypothesis: NDArray[Any]) -> bool:
    """Tell whether two sequences have the same counters, as far as four decimals tell."""
    return len(reference) == len(hypothesis) and bool(np.abs(reference - hypothesis).max() < 6e-5)
