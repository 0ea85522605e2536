"""Temporal consistency of a video against its reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from signdiff_eval.functional.image.frames import paired

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Frame = NDArray[np.uint8]


def flicker(reference: Iterable[Frame], hypothesis: Iterable[Frame]) -> float:
    """Average the absolute difference of the two videos' changes from frame to frame.

    The mean over frames, pixels and channels of ``|(F[t+1] - F[t]) - (R[t+1] - R[t])|``. Videos are taken in frame by
    frame.

    Args:
        reference: at least two frames R, each (H, W) or (H, W, 3) uint8.
        hypothesis: as many frames F of the same shape.

    Returns:
        From 0 to 510 grey levels; 0 where all changes are the reference's.

    Raises:
        ValueError: the numbers or shapes of frames differ, there are fewer than two, or another dtype.

    Example:
        >>> reference = np.zeros((4, 8, 8), dtype=np.uint8)
        >>> hypothesis = reference.copy()
        >>> hypothesis[1::2] = 10
        >>> flicker(reference, reference), flicker(reference, hypothesis)
        (0.0, 10.0)
    """
    total, changes = 0.0, 0
    before: tuple[Frame, Frame] | None = None
    for pair in paired(reference, hypothesis):
        if before is not None:
            total += flicker_step(*before, *pair)
            changes += 1
        before = pair
    if not changes:
        raise ValueError("reference and hypothesis must have at least two frames, but have fewer.")
    return total / changes


def flicker_step(reference: Frame, hypothesis: Frame, next_reference: Frame, next_hypothesis: Frame) -> float:
    """Compute one frame's part: the mean absolute difference of both changes, from checked frames."""
    if next_reference.shape != reference.shape:
        raise ValueError(f"frames must keep their shape, but change from {reference.shape} to {next_reference.shape}.")
    change = next_hypothesis.astype(np.int16) - hypothesis - (next_reference.astype(np.int16) - reference)
    return float(np.abs(change).mean(dtype=np.float64))
