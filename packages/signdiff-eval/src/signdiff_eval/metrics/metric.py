"""What every accumulating metric has in common."""

import copy
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from signdiff_eval.signature import Signature


class Metric(ABC):
    """A score that is built up pair by pair.

    A subclass adds one row of numbers for each pair in `update`, and turns the rows of any selection of pairs into a
    score in `score_of`. So metrics merge by joining their rows, and a bootstrap is a selection with repeats.

    Attributes:
        ideal: the best possible score.
        columns: how many numbers a row holds.
        failure: what a plug-in of others raised in a report; it has no score there.
    """

    ideal: ClassVar[float]
    columns: ClassVar[int] = 2
    failure: str = ""

    def __init__(self) -> None:
        self._rows: list[tuple[float, ...]] = []

    @classmethod
    def suite(cls, **options: Any) -> Sequence[Self]:
        """Make what a report computes where nothing else is asked for; here one, made without arguments.

        Args:
            options: what was asked for: ``tokenize`` and ``lowercase`` of sentences, ``detector`` (finds hands) and
                ``fid`` of videos. A metric takes those that it knows.
        """
        return [cls()]

    @classmethod
    def of_signature(cls, signature: Signature) -> Self | None:
        """Make the metric that an old report's signature names; here, one of `suite` that has the score's name.

        Returns:
            None where the signature is another metric's.

        Raises:
            ValueError: it is of this metric, but there is none with such settings.
        """
        return next((metric for metric in cls.suite() if metric.name == signature.name), None)

    @property
    @abstractmethod
    def name(self) -> str:
        """The score's key in a report."""

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """The settings that fix the score's value, for its signature."""
        return ()

    @property
    def signature(self) -> Signature:
        """The name and settings of the score."""
        return Signature(self.name, self.settings)

    @property
    def statistics(self) -> NDArray[np.float64]:
        """The rows so far: (number of pairs, `columns`)."""
        return np.array(self._rows, dtype=np.float64).reshape(-1, self.columns)

    @abstractmethod
    def update(self, hypothesis: Any, reference: Any) -> None:
        """Take in one pair: what the system made, then what it should be."""

    def score_of(self, statistics: NDArray[np.float64]) -> float:
        """Compute the score of some pairs: here, the sum of the first column over the sum of the second.

        Args:
            statistics: (number of pairs, `columns`), at least one pair.

        Raises:
            ValueError: the second column adds up to 0.
        """
        amount, weight = statistics.sum(axis=0)
        if weight == 0:
            raise ValueError(f"{self.name} must have something to divide by, but the references add up to 0.")
        return float(amount / weight)

    def compute(self) -> float:
        """Compute the score of all pairs.

        Raises:
            ValueError: there are none.
        """
        if not self._rows:
            raise ValueError(f"{self.name} must be updated with at least one pair before it is computed.")
        return self.score_of(self.statistics)

    def reset(self) -> None:
        """Forget all pairs."""
        self._rows = []
        self.failure = ""

    @classmethod
    def of_others(cls) -> bool:
        """Tell whether the class is not this package's: then it may raise anything, and a report goes on without it."""
        return not cls.__module__.startswith("signdiff_eval.")

    def take_in(self, update: Callable[..., None], *given: Any) -> None:
        """Update for a report, by one of the metric's methods: a metric of others that raises is left out of it."""
        if self.failure:
            return
        try:
            update(*given)
        except Exception as error:
            if not self.of_others():
                raise
            self.failure = " ".join(f"{type(error).__name__}: {error}".split())

    def absorb(self, statistics: NDArray[np.float64]) -> None:
        """Take over pairs from the `statistics` of another metric of the same signature."""
        self._rows += [tuple(row) for row in statistics.tolist()]

    def merge(self, *others: Self) -> Self:
        """Take over the pairs that other metrics of the same signature have seen, in order.

        Returns:
            This metric.

        Raises:
            ValueError: another signature.
        """
        for other in others:
            if other.signature != self.signature:
                raise ValueError(f"others must have the signature {self.signature}, but one has {other.signature}.")
        for statistics in [other.statistics for other in others]:
            self.absorb(statistics)
        return self

    def gathered(self, group: Any | None = None) -> Self:
        """Make a metric that has seen the pairs of all processes, in the order of their ranks.

        Every process must call this, and gets the same; its own metric stays as it is. It takes torch, with
        `torch.distributed` initialized, and works with any backend.

        Args:
            group: process group; the default one if not given.

        Raises:
            ValueError: processes hold metrics of different signatures.
        """
        whole = copy.copy(self)
        whole.reset()
        for statistics in _gather(self, group):
            whole.absorb(statistics)
        return whole


class PoseMetric(Metric):
    """A score of pose sequences: one row for each pair."""

    def update(self, hypothesis: ArrayLike, reference: ArrayLike) -> None:
        """Take in one pair: arguments and errors as for `row_of`."""
        self._rows.append(self.row_of(hypothesis, reference))

    @abstractmethod
    def row_of(self, hypothesis: ArrayLike, reference: ArrayLike) -> tuple[float, ...]:
        """Compute what one pair adds to the score."""

    def update_named(
        self, hypothesis: NDArray[np.float64], reference: NDArray[np.float64], skeleton: Sequence[str]
    ) -> None:
        """Take in (U, J, C) and (T, J, C), finite, with the joints' names; here, all joints go to `update`."""
        self.update(hypothesis, reference)


def _gather(metric: Metric, group: Any | None = None) -> list[NDArray[np.float64]]:
    """Collect the statistics of all processes' metrics: an array for each, in the order of their ranks."""
    import torch
    from torch import distributed

    on_gpu = distributed.get_backend(group) == "nccl"
    device = torch.device("cuda", torch.cuda.current_device()) if on_gpu else torch.device("cpu")
    size = distributed.get_world_size(group)
    mine = metric.statistics
    digest = hashlib.sha256(str(metric.signature).encode()).digest()
    about = torch.tensor([*mine.shape, int.from_bytes(digest[:7], "big")], dtype=torch.int64, device=device)
    all_about = [torch.empty_like(about) for _ in range(size)]
    distributed.all_gather(all_about, about, group=group)
    shapes = [tuple(int(number) for number in each[:2].tolist()) for each in all_about]
    if len({int(each[2]) for each in all_about}) > 1:
        raise ValueError(f"processes must hold metrics of one signature, but others differ from {metric.signature}.")
    # Tensors of one size can be gathered by every backend, so each is padded to the longest.
    padded = torch.zeros(max(rows * columns for rows, columns in shapes), dtype=torch.float64, device=device)
    padded[: mine.size] = torch.from_numpy(mine.reshape(-1)).to(device)
    parts = [torch.empty_like(padded) for _ in range(size)]
    distributed.all_gather(parts, padded, group=group)
    return [
        part[: rows * columns].cpu().numpy().reshape(rows, columns)
        for part, (rows, columns) in zip(parts, shapes, strict=True)
    ]
