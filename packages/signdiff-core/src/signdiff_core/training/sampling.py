"""Which frames a training step sees: a function of seed and step alone, so that resumed runs go on exactly."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


def batch_indices(*, seed: int, batch: int, batch_size: int, length: int) -> list[int]:
    """Take the indices of one batch from an endless sequence of shuffled epochs.

    Args:
        seed: of the shuffling.
        batch: number of the batch, over all steps and processes.
        batch_size: frames in a batch.
        length: frames in the data set.

    Returns:
        ``batch_size`` indices below ``length``; every epoch visits each index once.

    Example:
        >>> both = [i for b in range(2) for i in batch_indices(seed=0, batch=b, batch_size=3, length=6)]
        >>> sorted(both)
        [0, 1, 2, 3, 4, 5]
    """
    positions = range(batch * batch_size, (batch + 1) * batch_size)
    return [int(_permutation(seed, position // length, length)[position % length]) for position in positions]


@lru_cache(maxsize=4)
def _permutation(seed: int, epoch: int, length: int) -> NDArray[np.intp]:
    return np.random.default_rng([seed, epoch]).permutation(length)
