"""Accumulates `signdiff_eval.functional.flicker`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from signdiff_eval.functional.image.flicker import flicker_step
from signdiff_eval.metrics.image.video import VideoMetric

if TYPE_CHECKING:
    from signdiff_eval.metrics.image.video import Frame


class Flicker(VideoMetric):
    """Mean over all changes from frame to frame, of all videos, of how they differ from the reference's.

    Videos of one frame have no part in the score.

    Example:
        >>> import numpy as np
        >>> video = np.zeros((4, 8, 8), dtype=np.uint8)
        >>> blinking = video.copy()
        >>> blinking[1::2] = 10
        >>> metric = Flicker()
        >>> metric.update(iter(video), iter(blinking))
        >>> metric.compute()
        10.0
    """

    ideal: ClassVar[float] = 0.0

    @property
    def name(self) -> str:
        """``flicker``."""
        return "flicker"

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """The unit, and what is averaged."""
        return ("range", "255"), ("mean", "change")

    def begin(self) -> None:
        """Start with a pair of videos."""
        self._before: tuple[Frame, Frame] | None = None
        self._sums = [0.0, 0]

    def take(self, reference: Frame, hypothesis: Frame) -> None:
        """Take in the next frame of both."""
        if self._before is not None:
            self._sums[0] += flicker_step(*self._before, reference, hypothesis)
            self._sums[1] += 1
        self._before = reference, hypothesis

    def end(self) -> None:
        """Finish the pair of videos."""
        self._before = None
        self._rows.append((self._sums[0], self._sums[1]))
