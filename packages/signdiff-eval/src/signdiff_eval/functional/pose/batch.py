"""Dynamic time warping of many pairs, on all cores."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from signdiff_eval.functional.pose.dtw import DTWVariant, dtw_statistics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


def dtw_batch(
    references: Sequence[ArrayLike],
    hypotheses: Sequence[ArrayLike],
    variant: DTWVariant = "pt",
    drop_bos: bool = False,
    *,
    workers: int | None = None,
) -> NDArray[np.float64]:
    """Compute `dtw` of many pairs.

    Args:
        references: N arrays, as for `dtw`.
        hypotheses: the N arrays to compare them with.
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
        >>> dtw_batch(still, [array + [0.0, 0.0, 0.5] for array in still], variant="mje").tolist()
        [0.5, 0.5]
    """
    rows = dtw_rows(references, hypotheses, variant, drop_bos, workers=workers)
    return np.array([amount / weight for amount, weight in rows], dtype=np.float64)


def dtw_rows(
    references: Sequence[ArrayLike],
    hypotheses: Sequence[ArrayLike],
    variant: DTWVariant,
    drop_bos: bool = False,
    *,
    workers: int | None = None,
) -> list[tuple[float, float]]:
    """Compute what a corpus score adds up, for each pair: arguments as for `dtw_batch`."""
    references, hypotheses = list(references), list(hypotheses)
    if len(references) != len(hypotheses):
        raise ValueError(
            f"references and hypotheses must be equally many, but are {len(references)} and {len(hypotheses)}."
        )
    statistics = partial(_of_pair, variant=variant, drop_bos=drop_bos)
    with ThreadPoolExecutor(workers or _cores()) as pool:
        return list(pool.map(statistics, range(len(references)), references, hypotheses))


def _of_pair(
    index: int, reference: ArrayLike, hypothesis: ArrayLike, *, variant: DTWVariant, drop_bos: bool
) -> tuple[float, float]:
    try:
        return dtw_statistics(reference, hypothesis, variant, drop_bos)
    except ValueError as error:
        raise ValueError(f"pair {index}: {error}") from error


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
