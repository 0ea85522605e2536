"""Dynamic time warping of pose sequences: the variants that papers report, of one pair, of many, of parts of a body."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from signdiff_eval import _checks

DTWVariant = Literal["pt", "mje", "pjpe"]
"""Names of the variants."""

VARIANTS: Final[tuple[str, ...]] = get_args(DTWVariant)
"""The same, to iterate over."""


def dtw(hypothesis: ArrayLike, reference: ArrayLike, variant: DTWVariant = "pt", drop_bos: bool = False) -> float:
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
        hypothesis: (U, D + 1) for ``pt``: values joint by joint, then the counter; (U, J, C) else. In any unit that
            both share.
        reference: (T, D + 1) or (T, J, C).
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
        >>> dtw(hypothesis, reference, variant="pt")
        0.5
        >>> dtw(hypothesis[:, :2].reshape(3, 1, 2), reference[:, :2].reshape(3, 1, 2), variant="mje")
        0.5
    """
    amount, weight = dtw_statistics(hypothesis, reference, variant, drop_bos)
    return amount / weight


def dtw_statistics(
    hypothesis: ArrayLike, reference: ArrayLike, variant: DTWVariant, drop_bos: bool = False
) -> tuple[float, float]:
    """Compute what a corpus score adds up over its pairs, arguments as for `dtw`; the score is the sums' quotient.

    That is (distance, 1) for ``pt``, whose mean is over pairs; (summed joint errors, number of them) else.
    """
    if variant == "pt":
        hypothesis = _checks.sequence("hypothesis", hypothesis, ndim=2, axes="(T, D + 1)")
        reference = _checks.sequence("reference", reference, ndim=2, axes="(T, D + 1)")
        _checks.same_frame_shape(hypothesis, reference)
        if reference.shape[1] < 2:
            raise ValueError("reference must hold at least one value beside the counter, but holds only one column.")
        if drop_bos:
            if len(hypothesis) < 2:
                raise ValueError("hypothesis must have a frame after its begin frame, but has one frame in all.")
            hypothesis = hypothesis[1:]
        from signdiff_eval.functional.loops import CITYBLOCK, total_cost

        made, true = _before_peak(hypothesis), _before_peak(reference)
        return total_cost(CITYBLOCK, true, made) / len(true), 1.0
    if variant in VARIANTS:
        if drop_bos:
            raise ValueError(f"drop_bos must be False with variant {variant!r}, whose sequences carry no begin frame.")
        hypothesis = _checks.sequence("hypothesis", hypothesis, ndim=3, axes="(T, J, C)")
        reference = _checks.sequence("reference", reference, ndim=3, axes="(T, J, C)")
        _checks.same_frame_shape(hypothesis, reference)
        return _joint_errors(hypothesis, reference, variant)
    raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, but is {variant!r}.")


def _before_peak(sequence: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ascontiguousarray(sequence[: max(1, int(sequence[:, -1].argmax())), :-1])


def _joint_errors(
    hypothesis: NDArray[np.float64], reference: NDArray[np.float64], variant: DTWVariant
) -> tuple[float, float]:
    from signdiff_eval.functional.loops import EUCLIDEAN, JOINTS, cheapest_path, joint_error

    _, joints, axes = reference.shape
    true, made = (np.ascontiguousarray(sequence).reshape(len(sequence), -1) for sequence in (reference, hypothesis))
    path = cheapest_path(EUCLIDEAN if variant == "mje" else JOINTS, true, made, axes=axes)
    return joint_error(true, made, path, axes=axes), float(len(path) * joints)


def dtw_batch(
    hypotheses: Sequence[ArrayLike],
    references: Sequence[ArrayLike],
    variant: DTWVariant = "pt",
    drop_bos: bool = False,
    *,
    workers: int | None = None,
) -> NDArray[np.float64]:
    """Compute `dtw` of many pairs.

    Args:
        hypotheses: N arrays, as for `dtw`.
        references: the N arrays that they should be.
        variant: as for `dtw`.
        drop_bos: likewise.
        workers: how many pairs are aligned at the same time, each by a thread of its own: as many as there are cores
            if not given.

    Returns:
        (N,) float64 distances.

    Raises:
        ValueError: the numbers differ, or as for `dtw`; the message then tells the pair.

    Example:
        >>> import numpy as np
        >>> still = [np.zeros((frames, 2, 3)) for frames in (4, 7)]
        >>> dtw_batch([array + [0.0, 0.0, 0.5] for array in still], still, variant="mje").tolist()
        [0.5, 0.5]
    """
    rows = dtw_rows(hypotheses, references, variant, drop_bos, workers=workers)
    return np.array([amount / weight for amount, weight in rows], dtype=np.float64)


def dtw_rows(
    hypotheses: Sequence[ArrayLike],
    references: Sequence[ArrayLike],
    variant: DTWVariant,
    drop_bos: bool = False,
    *,
    workers: int | None = None,
) -> list[tuple[float, float]]:
    """Compute what a corpus score adds up, for each pair: arguments as for `dtw_batch`."""
    hypotheses, references = list(hypotheses), list(references)
    if len(hypotheses) != len(references):
        raise ValueError(
            f"hypotheses and references must be equally many, but are {len(hypotheses)} and {len(references)}."
        )
    statistics = partial(_of_pair, variant=variant, drop_bos=drop_bos)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with ThreadPoolExecutor(workers or cores or 1) as pool:
        return list(pool.map(statistics, range(len(references)), hypotheses, references))


def _of_pair(
    index: int, hypothesis: ArrayLike, reference: ArrayLike, *, variant: DTWVariant, drop_bos: bool
) -> tuple[float, float]:
    try:
        return dtw_statistics(hypothesis, reference, variant, drop_bos)
    except ValueError as error:
        raise ValueError(f"pair {index}: {error}") from error


def dtw_channels(
    hypothesis: ArrayLike, reference: ArrayLike, channels: Mapping[str, Sequence[int]], variant: DTWVariant = "mje"
) -> dict[str, float]:
    """Measure each part of the body as if there were nothing else, and all of it together.

    Args:
        hypothesis: (U, J, C) joints; for ``pt``, the counter u / U is added.
        reference: (T, J, C).
        channels: name to indices of joints, as `signdiff_eval.readers.channels_of` finds them.
        variant: as for `dtw`.

    Returns:
        The name of each channel, and ``all``, to its distance. The alignments are the channels' own.

    Raises:
        ValueError: a channel called ``all``, without joints or with one that isn't there, or as for `dtw`.

    Example:
        >>> import numpy as np
        >>> reference = np.zeros((4, 3, 2))
        >>> hypothesis = reference + [[0.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
        >>> dtw_channels(hypothesis, reference, {"body": [0], "right_hand": [1, 2]})["right_hand"]
        1.0
    """
    hypothesis = _checks.sequence("hypothesis", hypothesis, ndim=3, axes="(T, J, C)")
    reference = _checks.sequence("reference", reference, ndim=3, axes="(T, J, C)")
    _checks.same_frame_shape(hypothesis, reference)
    count = reference.shape[1]
    if not isinstance(channels, Mapping):
        raise TypeError(f"channels must map names to indices of joints, but is {type(channels).__name__}.")
    if "all" in channels:
        raise ValueError("channels must have other names than 'all', which is what they are together, but one has it.")
    chosen = {name: _checks.joints(f"channels[{name!r}]", joints, count) for name, joints in channels.items()}
    scores = {}
    for name, joints in {**chosen, "all": list(range(count))}.items():
        made, true = hypothesis[:, joints], reference[:, joints]
        if variant == "pt":
            made, true = with_counter(made), with_counter(true)
        scores[name] = dtw(made, true, variant)
    return scores


def with_counter(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    """Flatten frames, (T, J, C), and add the counter t / T of ``.skels`` files: (T, J * C + 1).

    Example:
        >>> with_counter(np.ones((2, 1, 3))).tolist()
        [[1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 0.5]]
    """
    frames = len(joints)
    return np.concatenate([joints.reshape(frames, -1), np.arange(frames)[:, None] / frames], axis=1)


def align(costs: ArrayLike) -> tuple[float, NDArray[np.intp]]:
    """Find the cheapest monotone alignment of two sequences.

    Exact: no window, no pruning, every step (down, right, diagonal) at the cost of the cell that it enters. Takes
    one byte a cell beside the costs.

    Args:
        costs: (T, U) cost of pairing frame t of one sequence with frame u of the other; at least 0, finite.

    Returns:
        The total cost, and the path: (P, 2) pairs of frames from (0, 0) to (T - 1, U - 1). Of several cheapest
        paths, the one that, walked from its end, prefers the diagonal, then a step in t.

    Raises:
        ValueError: ``costs`` isn't a matrix, is empty, or holds a negative or a non-finite number.

    Example:
        >>> total, path = align([[0.0, 1.0, 4.0], [4.0, 1.0, 0.0]])
        >>> total, path.tolist()
        (1.0, [[0, 0], [0, 1], [1, 2]])
    """
    from signdiff_eval.functional.loops import solve

    costs = _checks.sequence("costs", costs, ndim=2, axes="(T, U)")
    if (costs < 0).any():
        raise ValueError(f"costs must be at least 0, but the smallest is {costs.min()}.")
    return solve(np.ascontiguousarray(costs))
