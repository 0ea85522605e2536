"""Metrics of videos: frames go in one at a time, and one pass serves many metrics."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from signdiff_eval.functional.image import DATA_RANGE, SIGMA, WINDOW, Box, Frame, beside, flicker_step, paired, ssim
from signdiff_eval.metrics.metric import Metric


class VideoMetric(Metric):
    """A score of videos that needs no more than one frame of each at a time.

    `begin`, `take` for each pair of frames, and `end` take in one pair of videos; `update` does all three.
    """

    def update(self, hypothesis: Iterable[Frame], reference: Iterable[Frame]) -> None:
        """Take in one pair of videos.

        Args:
            hypothesis: frames, each (H, W) or (H, W, 3) uint8.
            reference: as many frames of the same shapes.

        Raises:
            ValueError: the numbers or shapes of frames differ, or there are none.
        """
        self.begin()
        for made, true in paired(hypothesis, reference):
            self.take(made, true)
        self.end()

    def begin(self) -> None:
        """Start with a pair of videos, and forget one that was left in the middle: `sums`, one a column, are 0."""
        self.sums = [0.0] * self.columns

    @abstractmethod
    def take(self, hypothesis: Frame, reference: Frame) -> None:
        """Take in the next frame of both, by adding to `sums`."""

    def end(self) -> None:
        """Finish the pair of videos: only now does it count, with `sums` as its row."""
        self._rows.append(tuple(self.sums))


def update_together(
    metrics: Sequence[VideoMetric],
    hypothesis: Iterable[Frame],
    reference: Iterable[Frame],
    *,
    ceilings: Sequence[VideoMetric] = (),
) -> None:
    """Update metrics with one pair of videos, and ceilings with the reference beside itself, in one pass.

    A ValueError as for `VideoMetric.update`; then no metric counts the pair.
    """
    every = [*metrics, *ceilings]
    for metric in every:
        metric.take_in(metric.begin)
    for made, true in paired(hypothesis, reference):
        for metric in metrics:
            metric.take_in(metric.take, made, true)
        for metric in ceilings:
            metric.take_in(metric.take, true, true)
    for metric in every:
        metric.take_in(metric.end)


class SSIM(VideoMetric):
    """Mean structural similarity over the frames of all videos.

    Videos are taken in frame by frame and never held. With boxes it compares crops, such as a hand; frames without a
    box are counted in `frames_without_box` and have no part in the score.

    Args:
        name: key of the score; give crops one of their own, such as ``ssim_hands``.

    Attributes:
        frames_without_box: frames whose box was ``None``.

    Example:
        >>> import numpy as np
        >>> video = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
        >>> metric = SSIM()
        >>> metric.update(iter(video), iter(video))
        >>> metric.compute()
        1.0
        >>> hands = SSIM(name="ssim_hands")
        >>> hands.update(video, video, boxes=[(4, 4, 20, 20), None, (6, 4, 22, 20)])
        >>> hands.compute(), hands.frames_without_box
        (1.0, 1)
    """

    ideal: ClassVar[float] = 1.0
    columns: ClassVar[int] = 3
    name = "ssim"
    settings = (("win", f"gauss{WINDOW}"), ("sigma", str(SIGMA)), ("range", str(DATA_RANGE)), ("mean", "frame"))

    def __init__(self, *, name: str = "ssim") -> None:
        super().__init__()
        self.name = name

    @property
    def frames_without_box(self) -> int:
        """Frames whose box was ``None``."""
        return int(self.statistics[:, 2].sum())

    def update(
        self, hypothesis: Iterable[Frame], reference: Iterable[Frame], *, boxes: Iterable[Box | None] | None = None
    ) -> None:
        """Take in one pair of videos, as `VideoMetric.update` does.

        Args:
            hypothesis: frames.
            reference: as many frames.
            boxes: for each frame the part to compare, or ``None`` where there is none; whole frames if not given.

        Raises:
            ValueError: another number of boxes, or as for `signdiff_eval.functional.ssim`.
        """
        if boxes is None:
            super().update(hypothesis, reference)
            return
        self.begin()
        for made, true, box in beside(paired(hypothesis, reference), "boxes", boxes):
            if box is None:
                self.sums[2] += 1
            else:
                self._add(ssim(made, true, box=box))
        self.end()

    def take(self, hypothesis: Frame, reference: Frame) -> None:
        """Take in the next frame of both, whole."""
        self._add(ssim(hypothesis, reference))

    def _add(self, similarity: float) -> None:
        self.sums[0] += similarity
        self.sums[1] += 1

    def score_of(self, statistics: NDArray[np.float64]) -> float:
        """Average over frames; a ValueError if not one had a box."""
        return super().score_of(statistics[:, :2])


class Flicker(VideoMetric):
    """Mean over all changes from frame to frame, of all videos, of how they differ from the reference's.

    Videos of one frame have no part in the score.

    Example:
        >>> import numpy as np
        >>> video = np.zeros((4, 8, 8), dtype=np.uint8)
        >>> blinking = video.copy()
        >>> blinking[1::2] = 10
        >>> metric = Flicker()
        >>> metric.update(iter(blinking), iter(video))
        >>> metric.compute()
        10.0
    """

    ideal: ClassVar[float] = 0.0
    name = "flicker"
    settings = (("range", "255"), ("mean", "change"))

    def begin(self) -> None:
        """Start with a pair of videos."""
        super().begin()
        self._before: tuple[Frame, Frame] | None = None

    def take(self, hypothesis: Frame, reference: Frame) -> None:
        """Take in the next frame of both."""
        if self._before is not None:
            self.sums[0] += flicker_step(*self._before, hypothesis, reference)
            self.sums[1] += 1
        self._before = hypothesis, reference
