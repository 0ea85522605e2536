"""What metrics of videos have in common: frames go in one at a time, and one pass serves many metrics."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from signdiff_eval.functional.image.frames import paired
from signdiff_eval.metrics.metric import Metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Frame = NDArray[np.uint8]


class VideoMetric(Metric):
    """A score of videos that needs no more than one frame of each at a time.

    `begin`, `take` for each pair of frames, and `end` take in one pair of videos; `update` does all three.
    """

    def update(self, reference: Iterable[Frame], hypothesis: Iterable[Frame]) -> None:
        """Take in one pair of videos.

        Args:
            reference: frames, each (H, W) or (H, W, 3) uint8.
            hypothesis: as many frames of the same shapes.

        Raises:
            ValueError: the numbers or shapes of frames differ, or there are none.
        """
        update_together([self], reference, hypothesis)

    @abstractmethod
    def begin(self) -> None:
        """Start with a pair of videos, and forget one that was left in the middle."""

    @abstractmethod
    def take(self, reference: Frame, hypothesis: Frame) -> None:
        """Take in the next frame of both."""

    @abstractmethod
    def end(self) -> None:
        """Finish the pair of videos: only now does it count."""


def update_together(
    metrics: Sequence[VideoMetric],
    reference: Iterable[Frame],
    hypothesis: Iterable[Frame],
    *,
    ceilings: Sequence[VideoMetric] = (),
) -> None:
    """Update several metrics with one pair of videos, in one pass.

    Args:
        metrics: what compares the hypothesis with the reference.
        reference: frames, each (H, W) or (H, W, 3) uint8.
        hypothesis: as many frames of the same shapes.
        ceilings: what compares the reference with itself.

    Raises:
        ValueError: the numbers or shapes of frames differ, or there are none; then no metric counts the pair.
    """
    every = [*metrics, *ceilings]
    for metric in every:
        metric.begin()
    for left, right in paired(reference, hypothesis):
        for metric in metrics:
            metric.take(left, right)
        for metric in ceilings:
            metric.take(left, left)
    for metric in every:
        metric.end()
