"""How much a hypothesis moves and how long it lasts, relative to its reference."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from signdiff_eval import _checks


def total_distance(hypothesis: ArrayLike, reference: ArrayLike, *, joints: Sequence[int] | None = None) -> float:
    """Divide the path length that the hypothesis' joints travel by that of the reference's.

    1.0 is ideal; a frozen pose scores 0, a trembling one more than 1. DTW rewards a model that regresses to the mean,
    so this stands beside it. The SLRTP 2025 challenge's ``total_distance`` is the mean of this ratio for the left
    wrist alone and for the right wrist alone: pass one joint at a time to get its terms.

    Args:
        hypothesis: (U, J, C) positions, in any unit that both share.
        reference: (T, J, C).
        joints: indices of the joints to follow; all of them if not given.

    Returns:
        The ratio, at least 0.

    Raises:
        ValueError: shapes that don't fit, a number that isn't finite or is masked, a joint that isn't there, or a
            reference that doesn't move.

    Example:
        >>> import numpy as np
        >>> reference = np.array([[[0.0, 0.0]], [[3.0, 4.0]], [[0.0, 0.0]]])
        >>> total_distance(reference * 0.5, reference)
        0.5
        >>> total_distance(np.repeat(reference.mean(axis=0, keepdims=True), 3, axis=0), reference)
        0.0
    """
    travelled, expected = total_distance_statistics(hypothesis, reference, joints=joints)
    if expected == 0:
        raise ValueError("reference must move, but every followed joint stays where it is.")
    return travelled / expected


def total_distance_statistics(
    hypothesis: ArrayLike, reference: ArrayLike, *, joints: Sequence[int] | None = None
) -> tuple[float, float]:
    """Compute what a corpus score adds up over its pairs: the path lengths of hypothesis and reference."""
    hypothesis = _checks.sequence("hypothesis", hypothesis, ndim=3, axes="(T, J, C)")
    reference = _checks.sequence("reference", reference, ndim=3, axes="(T, J, C)")
    _checks.same_frame_shape(hypothesis, reference)
    if joints is not None:
        chosen = _checks.joints("joints", joints, reference.shape[1])
        hypothesis, reference = hypothesis[:, chosen], reference[:, chosen]
    paths = [np.linalg.norm(np.diff(sequence, axis=0), axis=-1).sum() for sequence in (hypothesis, reference)]
    return float(paths[0]), float(paths[1])


def duration(hypothesis: ArrayLike, reference: ArrayLike) -> float:
    """Divide the hypothesis' frames by the reference's, both at the same frame rate.

    1.0 is ideal. DTW is blind to timing, so this stands beside it. The mean over a corpus' pairs is ``avg_duration``
    of the SLRTP 2025 challenge.

    Args:
        hypothesis: (U, ...) one entry for each frame.
        reference: (T, ...).

    Returns:
        U / T.

    Raises:
        ValueError: a sequence is empty.

    Example:
        >>> import numpy as np
        >>> duration(np.zeros((5, 50, 3)), np.zeros((4, 50, 3)))
        1.25
    """
    frames: list[int] = []
    for name, sequence in (("hypothesis", hypothesis), ("reference", reference)):
        shape = _checks.array_of(name, sequence).shape
        if not shape or not shape[0]:
            raise ValueError(f"{name} must have at least one frame, but has the shape {shape}.")
        frames.append(shape[0])
    return frames[0] / frames[1]
