"""Which samples a training step sees: a function of seed and step alone, so that resumed runs repeat it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Batch = TypeVar("Batch")


def batch_indices(*, seed: int, batch: int, batch_size: int, length: int) -> list[int]:
    """Take the indices, below `length`, of one batch from an endless sequence of shuffled epochs.

    `batch` is its number over all steps and processes; every epoch visits each index once.

    Example:
        >>> both = [i for b in range(2) for i in batch_indices(seed=0, batch=b, batch_size=3, length=6)]
        >>> sorted(both)
        [0, 1, 2, 3, 4, 5]
    """
    positions = range(batch * batch_size, (batch + 1) * batch_size)
    return [int(shuffled((seed, position // length), length)[position % length]) for position in positions]


@lru_cache(maxsize=4)
def shuffled(seed: tuple[int, ...], length: int) -> NDArray[np.intp]:
    """Shuffle the numbers below ``length``, a function of the seed: a training's, and that of the epoch."""
    return np.random.default_rng(seed).permutation(length)


def spread(length: int, count: int) -> list[int]:
    """Choose samples that are spread over a data set, in order.

    Example:
        >>> spread(10, 3)
        [0, 3, 6]
    """
    count = min(count, length)
    return [number * length // count for number in range(count)]


class ReadAhead(Generic[Batch]):
    """Makes the batches of forward passes in their order, in threads that read ahead of the training.

    `make` gives a batch by its number, from any thread; with 0 `workers`, each is made as it is asked for.
    """

    def __init__(self, make: Callable[[int], Batch], *, workers: int) -> None:
        self._make, self._workers = make, workers
        self._threads = ThreadPoolExecutor(workers) if workers else None
        self._ahead: dict[int, Future[Batch]] = {}

    def __call__(self, micro_step: int) -> Batch:
        """Give the batch of a forward pass."""
        if self._threads is None:
            return self._make(micro_step)
        for step in range(micro_step, micro_step + self._workers + 1):
            if step not in self._ahead:
                self._ahead[step] = self._threads.submit(self._make, step)
        return self._ahead.pop(micro_step).result()

    def close(self) -> None:
        """End the threads."""
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
