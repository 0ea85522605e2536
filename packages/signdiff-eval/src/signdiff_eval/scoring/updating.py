"""From a pair of sequences to every metric: each gets the joints that it is about."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from signdiff_eval.functional.pose.counter import with_counter
from signdiff_eval.metrics import DTW, Metric, WristDistance
from signdiff_eval.metrics.text.lines import TextMetric
from signdiff_eval.readers import channels_of, wrists_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor()


def update_both(
    system: Sequence[Metric],
    ceiling: Sequence[Metric],
    reference: NDArray[np.float64],
    hypothesis: NDArray[np.float64],
    skeleton: tuple[str, ...],
) -> None:
    """Update the system's metrics with a pair, and the ceiling's with the reference beside itself.

    Args:
        system: metrics of the system; those of texts are left alone.
        ceiling: the same metrics, for the ceiling.
        reference: (T, J, C).
        hypothesis: (U, J, C).
        skeleton: names of the joints.
    """
    tasks = [(metric, hypothesis) for metric in system] + [(metric, reference) for metric in ceiling]
    # Alignments run outside of Python's lock, so threads spread them over the cores.
    list(_pool().map(lambda task: _update(task[0], reference, task[1], skeleton), tasks))


def _update(
    metric: Metric, reference: NDArray[np.float64], hypothesis: NDArray[np.float64], skeleton: tuple[str, ...]
) -> None:
    if isinstance(metric, TextMetric):
        return
    if isinstance(metric, WristDistance):
        wrists = list(wrists_of(skeleton))
        metric.update(reference[:, wrists], hypothesis[:, wrists])
    elif isinstance(metric, DTW) and metric.channel:
        channels = channels_of(skeleton)
        joints = channels.get(metric.channel, []) if len(channels) > 1 else []
        if joints:
            metric.update(reference[:, joints], hypothesis[:, joints])
        else:  # nothing to add up, but a row, so that the metrics' rows stay those of the same pairs
            metric.absorb(np.zeros((1, 2)))
    elif isinstance(metric, DTW) and metric.variant == "pt":
        metric.update(with_counter(reference), with_counter(hypothesis))
    else:
        metric.update(reference, hypothesis)
