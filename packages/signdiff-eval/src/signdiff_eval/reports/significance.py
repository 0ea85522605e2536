"""How sure a score and a difference are: bootstrap and approximate randomisation, as in sacrebleu.

With few sequences, all of the 2^n ways to exchange two systems are tried: the p-value is exact then. No test of n
sequences can reach a p-value below 2 / 2^n, for to exchange all of them changes nothing but a sign; so none is given.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_eval.metrics import Metric

SAMPLES: Final = 1000
"""Bootstrap samples, as in sacrebleu."""

TRIALS: Final = 10000
"""Trials of approximate randomisation, as in sacrebleu."""

EXACT: Final = 2**12
"""So many ways to exchange two systems are always tried all, even where fewer trials are asked for."""

SEED: Final = 12345
"""Seed of both, as in sacrebleu."""


@dataclass(frozen=True, slots=True)
class Interval:
    """What a score would be on another test set of the same kind, in 95 of 100 cases.

    Attributes:
        low: 2.5% of the bootstrap samples lie below.
        high: 2.5% lie above.
    """

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """A system beside a baseline, on the same sequences.

    Attributes:
        value: the system's score minus the baseline's.
        interval: of that difference.
        p_bootstrap: two-sided p-value of the paired bootstrap (Koehn 2004), at least `smallest_p`.
        p_randomization: two-sided p-value of approximate randomisation (Riezler and Maxwell 2005); exact if `exact`.
        exact: all ways to exchange the systems were tried.
    """

    value: float
    interval: Interval
    p_bootstrap: float
    p_randomization: float
    exact: bool = False


def smallest_p(sequences: int) -> float:
    """Tell which p-value so many sequences can reach at best, with a two-sided test.

    Example:
        >>> [smallest_p(sequences) for sequences in (1, 2, 3, 5, 6)]
        [1.0, 0.5, 0.25, 0.0625, 0.03125]
    """
    return float(2.0 ** (1 - sequences))


def confidence(metric: Metric, *, samples: int = SAMPLES, seed: int = SEED) -> Interval:
    """Estimate the 95% interval of a score by drawing sequences with repeats.

    Args:
        metric: with at least one row.
        samples: how many draws.
        seed: of the draws.
    """
    return _interval(_resampled(metric, metric.statistics, _draws(len(metric.statistics), samples, seed)))


def paired_difference(
    baseline: Metric, system: Metric, *, samples: int = SAMPLES, trials: int = TRIALS, seed: int = SEED
) -> Difference:
    """Compare two systems on the same sequences.

    Args:
        baseline: a metric with a row for each sequence.
        system: the same metric, with rows of the same sequences in the same order.
        samples: bootstrap samples.
        trials: of approximate randomisation; all 2^n exchanges of n sequences are tried where they are no more than
            these, or than `EXACT`.
        seed: of both.

    Raises:
        ValueError: the metrics differ, or have other numbers of rows.

    Example:
        >>> from signdiff_eval.metrics import CER
        >>> worse, better = CER(), CER()
        >>> for text in ("one", "two", "six", "ten"):
        ...     worse.update(text[::-1], text)
        ...     better.update(text, text)
        >>> round(paired_difference(worse, better, trials=200).value, 2)
        -66.67
    """
    left, right = baseline.statistics, system.statistics
    if baseline.signature != system.signature:
        raise ValueError(f"baseline and system must be the same metric: {baseline.signature}, {system.signature}.")
    if left.shape != right.shape or not len(left):
        raise ValueError(f"baseline and system must have rows of the same sequences, but {len(left)}, {len(right)}.")
    value = system.compute() - baseline.compute()
    draws = _draws(len(left), samples, seed)
    apart = _resampled(system, right, draws) - _resampled(baseline, left, draws)
    distances = np.abs(apart)
    exact = 2 ** len(left) <= max(trials, EXACT)
    if exact:
        exchanges = (np.arange(2 ** len(left))[:, None] >> np.arange(len(left)) & 1).astype(bool)
    else:
        exchanges = np.random.default_rng(seed).integers(2, size=(trials, len(left)), dtype=bool)
    shuffled = _randomized(system, left, right, exchanges)
    least = smallest_p(len(left))
    return Difference(
        value=value,
        interval=_interval(apart),
        p_bootstrap=max(least, _p_value(distances - distances.mean(), abs(value))),
        p_randomization=_exact_p_value(shuffled, abs(value)) if exact else max(least, _p_value(shuffled, abs(value))),
        exact=exact,
    )


def _draws(count: int, samples: int, seed: int) -> NDArray[np.intp]:
    return np.random.default_rng(seed).choice(count, size=(samples, count), replace=True)


def _resampled(metric: Metric, rows: NDArray[np.float64], draws: NDArray[np.intp]) -> NDArray[np.float64]:
    if _is_ratio(metric):
        return _ratios(rows[draws].sum(axis=1))
    return np.array([metric.score_of(rows[chosen]) for chosen in draws])


def _randomized(
    metric: Metric, left: NDArray[np.float64], right: NDArray[np.float64], kept: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Exchange the systems in the sequences that aren't kept, (trials, sequences), and see how far apart they are."""
    if _is_ratio(metric):
        one = _ratios(kept @ left + ~kept @ right)
        other = _ratios(kept @ right + ~kept @ left)
    else:
        one, other = (
            np.array([metric.score_of(np.where(mask[:, None], *sides)) for mask in kept])
            for sides in ((left, right), (right, left))
        )
    apart: NDArray[np.float64] = np.abs(one - other)
    return apart


def _is_ratio(metric: Metric) -> bool:
    """Tell whether a metric is the plain sum of one column over that of another, which needs no loop."""
    return type(metric).score_of is Metric.score_of and metric.columns == 2


def _ratios(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    if (sums[:, 1] == 0).any():
        raise ValueError("a resample must have something to divide by, but its references add up to 0.")
    ratios: NDArray[np.float64] = sums[:, 0] / sums[:, 1]
    return ratios


def _p_value(statistics: NDArray[Any], difference: float) -> float:
    if difference == 0:
        return 1.0
    # Exchanging what is equal gives sums in another order: a last bit is no evidence.
    exceeding = int((statistics > difference * (1 + 1e-12)).sum())
    return (exceeding + 1) / (len(statistics) + 1)


def _exact_p_value(statistics: NDArray[Any], difference: float) -> float:
    """Count, of all exchanges, those that are as far apart; the systems as they are are one of them."""
    return float((statistics >= difference * (1 - 1e-12)).mean())


def _interval(values: NDArray[np.float64]) -> Interval:
    low, high = np.percentile(values, [2.5, 97.5])
    return Interval(float(low), float(high))
