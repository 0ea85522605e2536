"""Accumulates `signdiff_eval.functional.ssim` over the frames of videos."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from signdiff_eval.functional.image.frames import beside, paired
from signdiff_eval.functional.image.ssim import DATA_RANGE, SIGMA, WINDOW, ssim
from signdiff_eval.metrics.image.video import VideoMetric

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from signdiff_eval.functional.image.ssim import Box
    from signdiff_eval.metrics.image.video import Frame


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

    def __init__(self, *, name: str = "ssim") -> None:
        super().__init__()
        self._name = name

    @property
    def name(self) -> str:
        """The key that the metric was given."""
        return self._name

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """The window, the range of values, and what is averaged."""
        return ("win", f"gauss{WINDOW}"), ("sigma", str(SIGMA)), ("range", str(DATA_RANGE)), ("mean", "frame")

    @property
    def frames_without_box(self) -> int:
        """Frames whose box was ``None``."""
        return int(self.statistics[:, 2].sum())

    def update(
        self,
        reference: Iterable[Frame],
        hypothesis: Iterable[Frame],
        *,
        boxes: Iterable[Box | None] | None = None,
    ) -> None:
        """Take in one pair of videos.

        Args:
            reference: frames, each (H, W) or (H, W, 3) uint8.
            hypothesis: as many frames of the same shapes.
            boxes: for each frame the part to compare, or ``None`` where there is none; whole frames if not given.

        Raises:
            ValueError: the numbers of frames or boxes differ, there are none, or as for
                `signdiff_eval.functional.ssim`.
        """
        if boxes is None:
            super().update(reference, hypothesis)
            return
        self.begin()
        for left, right, box in beside(paired(reference, hypothesis), "boxes", boxes):
            if box is None:
                self._sums[2] += 1
            else:
                self._add(ssim(left, right, box=box))
        self.end()

    def begin(self) -> None:
        """Start with a pair of videos."""
        self._sums = [0.0, 0, 0]

    def take(self, reference: Frame, hypothesis: Frame) -> None:
        """Take in the next frame of both, whole."""
        self._add(ssim(reference, hypothesis))

    def end(self) -> None:
        """Finish the pair of videos."""
        self._rows.append(tuple(self._sums))

    def _add(self, similarity: float) -> None:
        self._sums[0] += similarity
        self._sums[1] += 1

    def score_of(self, statistics: NDArray[np.float64]) -> float:
        """Average over frames.

        Args:
            statistics: (number of pairs, 3): summed similarity, frames compared, frames without a box.

        Raises:
            ValueError: not one frame had a box.
        """
        return super().score_of(statistics[:, :2])
