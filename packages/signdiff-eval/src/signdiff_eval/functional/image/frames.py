"""Two videos side by side, frame by frame."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from signdiff_eval import _checks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray


def paired(
    reference: Iterable[NDArray[np.uint8]], hypothesis: Iterable[NDArray[np.uint8]]
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Take frames from two videos in step, and hold one of each.

    Yields:
        Reference and hypothesis, both (H, W) or both (H, W, 3) uint8.

    Raises:
        ValueError: one video is shorter, both are empty, frames have different shapes, or aren't such images.
    """
    end: Any = object()
    index = -1
    for index, (left, right) in enumerate(zip_longest(reference, hypothesis, fillvalue=end)):
        if left is end or right is end:
            longer, shorter = ("hypothesis", "reference") if left is end else ("reference", "hypothesis")
            raise ValueError(f"{shorter} must have as many frames as the {longer}, but ends after {index}.")
        true, made = _checks.image("reference", left), _checks.image("hypothesis", right)
        _checks.same_image_shape(true, made)
        yield true, made
    if index < 0:
        raise ValueError("reference and hypothesis must have at least one frame, but have none.")


def beside(frames: Iterable[Sequence[Any]], name: str, entries: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """Put what belongs to a frame behind it.

    Args:
        frames: tuples, such as those of `paired`.
        name: what the entries are, for the message.
        entries: one for each frame.

    Yields:
        The tuples, each with its entry at the end.

    Raises:
        ValueError: there are fewer entries, or more.
    """
    end: Any = object()
    rest = iter(entries)
    count = 0
    for count, frame in enumerate(frames, start=1):
        entry = next(rest, end)
        if entry is end:
            raise ValueError(f"{name} must have an entry for each frame, but ends after {count - 1}.")
        yield *frame, entry
    if next(rest, end) is not end:
        raise ValueError(f"{name} must have an entry for each frame, but goes on after the last, number {count}.")
