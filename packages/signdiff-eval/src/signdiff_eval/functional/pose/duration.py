"""How long a hypothesis lasts, relative to its reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signdiff_eval._arrays import array_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def duration(reference: ArrayLike, hypothesis: ArrayLike) -> float:
    """Divide the hypothesis' frames by the reference's, both at the same frame rate.

    1.0 is ideal. DTW is blind to timing, so this stands beside it. The mean over a corpus' pairs is ``avg_duration``
    of the SLRTP 2025 challenge.

    Args:
        reference: (T, ...) one entry for each frame.
        hypothesis: (U, ...).

    Returns:
        U / T.

    Raises:
        ValueError: a sequence is empty.

    Example:
        >>> import numpy as np
        >>> duration(np.zeros((4, 50, 3)), np.zeros((5, 50, 3)))
        1.25
    """
    frames: list[int] = []
    for name, sequence in (("reference", reference), ("hypothesis", hypothesis)):
        shape = array_of(name, sequence).shape
        if not shape or not shape[0]:
            raise ValueError(f"{name} must have at least one frame, but has the shape {shape}.")
        frames.append(shape[0])
    return frames[1] / frames[0]
