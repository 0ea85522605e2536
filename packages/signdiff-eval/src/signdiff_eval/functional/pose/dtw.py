"""Dynamic time warping between pose sequences, in the variants that papers report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np

from signdiff_eval import _checks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

DTWVariant = Literal["pt", "mje", "pjpe"]
"""Names of the variants."""

VARIANTS: Final[tuple[str, ...]] = get_args(DTWVariant)
"""The same, to iterate over."""


def dtw(reference: ArrayLike, hypothesis: ArrayLike, variant: DTWVariant = "pt", drop_bos: bool = False) -> float:
    """Measure how far apart two pose sequences are once their timing is aligned.

    ``pt``, Progressive Transformers (Saunders et al. 2020, and their evaluation code): the last column is the counter.
    Both sequences are cut before the (first) peak of their counter, but keep at least one frame; the counter is taken
    off; the cost of two frames is the sum of absolute differences; the total is divided by the reference's frames.

    ``mje``, mean joint error (SLRTP 2025 challenge, ``dtw_mje``): the sequences are aligned at the Euclidean distance
    of whole frames; the result is the Euclidean distance between corresponding joints, averaged over joints and over
    the steps of the path. The challenge's script aligns with FastDTW, an approximation; this alignment is exact, so
    it pairs frames at least as well.

    ``pjpe``, per-joint position error: the same average, along the path whose own sum of it is the least.

    All are exact. ``pt`` takes memory for a copy of the arrays and two rows of costs, the others one byte for each pair
    of frames: 12 MB and 25 MB for two sequences of 5,000 frames with 150 values.

    Args:
        reference: (T, D + 1) for ``pt``: values joint by joint, then the counter; (T, J, C) else. In any unit of length
            that both share.
        hypothesis: (U, D + 1) or (U, J, C).
        variant: ``pt``, ``mje`` or ``pjpe``.
        drop_bos: leave out the hypothesis' first frame: the begin frame that a decoder's output may carry. Only for
            ``pt``.

    Returns:
        The distance, at least 0 and 0 for equal sequences: ``pt`` in units per reference frame, summed over the
        values of a frame; ``mje`` and ``pjpe`` in units per joint.

    Raises:
        ValueError: an unknown variant, shapes that don't suit it or each other, a number that isn't finite or is
            masked, ``drop_bos`` with another variant than ``pt`` or with a hypothesis of one frame.

    Example:
        >>> import numpy as np
        >>> reference = np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 0.5], [9.0, 9.0, 1.0]])  # two values and a counter
        >>> hypothesis = reference + [0.5, 0.0, 0.0]
        >>> dtw(reference, hypothesis, variant="pt")
        0.5
        >>> dtw(reference[:, :2].reshape(3, 1, 2), hypothesis[:, :2].reshape(3, 1, 2), variant="mje")
        0.5
    """
    amount, weight = dtw_statistics(reference, hypothesis, variant, drop_bos)
    return amount / weight


def dtw_statistics(
    reference: ArrayLike, hypothesis: ArrayLike, variant: DTWVariant, drop_bos: bool = False
) -> tuple[float, float]:
    """Compute what a corpus score adds up over its pairs, arguments as for `dtw`.

    Returns:
        (distance, 1) for ``pt``, whose corpus score is the mean over pairs; (summed joint errors, number of them)
        else, whose corpus score is the mean over the aligned frames of all pairs.
    """
    if variant == "pt":
        reference = _checks.sequence("reference", reference, ndim=2, axes="(T, D + 1)")
        hypothesis = _checks.sequence("hypothesis", hypothesis, ndim=2, axes="(T, D + 1)")
        _checks.same_frame_shape(reference, hypothesis)
        if reference.shape[1] < 2:
            raise ValueError("reference must hold at least one value beside the counter, but holds only one column.")
        if drop_bos:
            if len(hypothesis) < 2:
                raise ValueError("hypothesis must have a frame after its begin frame, but has one frame in all.")
            hypothesis = hypothesis[1:]
        return _pt(_before_peak(reference), _before_peak(hypothesis)), 1.0
    if variant in VARIANTS:
        if drop_bos:
            raise ValueError(f"drop_bos must be False with variant {variant!r}, whose sequences carry no begin frame.")
        reference = _checks.sequence("reference", reference, ndim=3, axes="(T, J, C)")
        hypothesis = _checks.sequence("hypothesis", hypothesis, ndim=3, axes="(T, J, C)")
        _checks.same_frame_shape(reference, hypothesis)
        return _joint_errors(reference, hypothesis, variant)
    raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, but is {variant!r}.")


def _before_peak(sequence: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ascontiguousarray(sequence[: max(1, int(sequence[:, -1].argmax())), :-1])


def _pt(reference: NDArray[np.float64], hypothesis: NDArray[np.float64]) -> float:
    from signdiff_eval.functional.pose.recurrence import CITYBLOCK, total_cost

    return total_cost(CITYBLOCK, reference, hypothesis) / len(reference)


def _joint_errors(
    reference: NDArray[np.float64], hypothesis: NDArray[np.float64], variant: DTWVariant
) -> tuple[float, float]:
    from signdiff_eval.functional.pose.recurrence import EUCLIDEAN, JOINTS, cheapest_path, joint_error

    _, joints, axes = reference.shape
    true, made = (np.ascontiguousarray(sequence).reshape(len(sequence), -1) for sequence in (reference, hypothesis))
    path = cheapest_path(EUCLIDEAN if variant == "mje" else JOINTS, true, made, axes=axes)
    return joint_error(true, made, path, axes=axes), float(len(path) * joints)
