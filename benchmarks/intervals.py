"""How sure a mean is, where samples come in groups that are alike: frames of one signer in one clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

RESAMPLES = 2000


def interval(values: Sequence[float], groups: Sequence[Hashable]) -> tuple[float, float]:
    """Bootstrap the mean of samples over whole groups: its 2.5% and 97.5% quantiles.

    Args:
        values: one number a sample.
        groups: which group each sample is of.
    """
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    members = np.array([numbers[group] for group in groups])
    sums = np.bincount(members, weights=np.asarray(values, dtype=np.float64))
    counts = np.bincount(members)
    draws = np.random.default_rng(0).integers(len(sums), size=(RESAMPLES, len(sums)))
    low, high = np.quantile(sums[draws].sum(axis=1) / counts[draws].sum(axis=1), (0.025, 0.975))
    return float(low), float(high)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A mean, with its 95% interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ({self.low:.3f} to {self.high:.3f})"


def figure(values: Sequence[float], groups: Sequence[Hashable]) -> Figure:
    """Take the mean of samples with the interval of `interval`."""
    low, high = interval(values, groups)
    return Figure(mean=float(np.mean(values)), low=low, high=high)
