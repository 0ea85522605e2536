"""Accumulates features of images for `signdiff_eval.functional.fid`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from signdiff_eval import _checks
from signdiff_eval.functional.fid import frechet_distance, warn_if_small
from signdiff_eval.functional.image import Frame
from signdiff_eval.metrics.image import VideoMetric

Extractor = Callable[[Any], Any]
"""From (N, H, W, 3) uint8 RGB images to (N, D) features."""


class FID(VideoMetric):
    """Fréchet inception distance between all frames of the references and all frames of the hypotheses.

    Features are never held: only how many there were, their mean and their scatter.

    Args:
        extractor: a callable from (N, H, W, 3) uint8 images to (N, D) features, or a `torch.nn.Module`, which gets
            (N, 3, H, W) float32 from 0 to 1 and returns (N, D) or (N, D, 1, 1). pytorch-fid's Inception network if not
            given, with the weights that it has in torch's cache.
        weights: a file of the weights for pytorch-fid's network.
        batch_size: how many frames go through the extractor at a time.

    Raises:
        ValueError: both an extractor and weights, or a batch size below 1.
        ModuleNotFoundError: pytorch-fid is needed and isn't installed.
        FileNotFoundError: there are no weights.

    Example:
        >>> images = np.random.default_rng(0).integers(0, 256, (50, 8, 8, 3), dtype=np.uint8)
        >>> metric = FID(lambda images: images.mean(axis=(1, 2)))
        >>> metric.update(images, images)
        >>> round(metric.compute(), 6)
        0.0
    """

    ideal: ClassVar[float] = 0.0
    name = "fid"

    def __init__(
        self, extractor: Extractor | Any | None = None, *, weights: str | None = None, batch_size: int = 32
    ) -> None:
        from signdiff_eval.metrics.extractor import load_extractor

        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, but is {batch_size}.")
        super().__init__()
        self._extract, self._extractor_id = load_extractor(extractor, weights)
        self.batch_size = batch_size
        self._moments = Moments(), Moments()
        self.begin()

    @classmethod
    def suite(cls, *, fid: Self | None = None, **options: Any) -> list[Self]:
        """The one that is given, whose network is loaded; none without."""
        return [] if fid is None else [fid]

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """What makes the features."""
        return (("features", self._extractor_id),)

    @property
    def statistics(self) -> NDArray[np.float64]:
        """(1, 2 + 2D + 2D²): count, mean and scatter of the hypothesis' features, then of the reference's."""
        if not self._moments[0].count:
            return np.empty((0, 0))
        return np.concatenate([side.flat() for side in self._moments])[None]

    @property
    def images(self) -> tuple[int, int]:
        """How many images of the hypotheses and of the references have gone in."""
        return self._moments[0].count, self._moments[1].count

    def update(self, hypothesis: Any, reference: Any) -> None:
        """Take in images or frames; the two sets need neither be paired nor equally many.

        Args:
            hypothesis: N images, each (H, W, 3) or (H, W) uint8, all of one size.
            reference: M images.

        Raises:
            ValueError: no image, images of several sizes, or other shapes.
        """
        added = Moments(), Moments()
        for side, (name, images) in zip(added, (("hypothesis", hypothesis), ("reference", reference)), strict=True):
            waiting: list[Frame] = []
            for image in _of_one_size(name, images):
                waiting.append(image)
                if len(waiting) == self.batch_size:
                    side.add(self._features(waiting))
                    waiting = []
            if waiting:
                side.add(self._features(waiting))
            if not side.count:
                raise ValueError(f"{name} must have at least one image, but has none.")
        self._keep(added)

    def begin(self) -> None:
        """Start with a pair of videos."""
        self._waiting: tuple[list[Frame], list[Frame]] = [], []
        self._added = Moments(), Moments()

    def take(self, hypothesis: Frame, reference: Frame) -> None:
        """Take in the next frame of both."""
        for waiting, frame in zip(self._waiting, (hypothesis, reference), strict=True):
            waiting.append(frame)
        if len(self._waiting[0]) == self.batch_size:
            self._flush()

    def end(self) -> None:
        """Finish the pair of videos."""
        self._flush()
        self._keep(self._added)
        self.begin()

    def score_of(self, statistics: NDArray[np.float64]) -> float:
        """Compute the distance of the features that rows of `statistics` describe.

        A ValueError for fewer than two images on a side, a `SmallSampleWarning` for no more images than features.
        """
        sides = []
        for part in np.split(statistics, 2, axis=1):
            side = Moments()
            for row in part:
                side.merge(Moments.from_flat(row))
            sides.append(side)
        hypothesis, reference = sides
        if min(hypothesis.count, reference.count) < 2:
            raise ValueError(
                "fid must have at least two images on each side, "
                f"but has {hypothesis.count} of the hypothesis and {reference.count} of the reference."
            )
        warn_if_small(hypothesis.count, reference.count, len(reference.mean))
        return frechet_distance(hypothesis.mean, hypothesis.covariance, reference.mean, reference.covariance)

    def compute(self) -> float:
        """Compute the distance of all images: errors and warnings as for `score_of`."""
        if not self._moments[0].count:
            raise ValueError("fid must be updated with at least one image before it is computed.")
        return self.score_of(self.statistics)

    def reset(self) -> None:
        """Forget all images."""
        self._moments = Moments(), Moments()
        self.begin()

    def absorb(self, statistics: NDArray[np.float64]) -> None:
        """Take over images from the `statistics` of another metric of the same signature."""
        for row in statistics:
            halves = np.split(row, 2)
            self._keep((Moments.from_flat(halves[0]), Moments.from_flat(halves[1])))

    def against_itself(self) -> Self:
        """Make a metric that has seen the references on both sides: the ceiling."""
        ceiling = copy.copy(self)
        ceiling.reset()
        ceiling._keep((self._moments[1], self._moments[1]))
        return ceiling

    def _flush(self) -> None:
        for side, waiting in zip(self._added, self._waiting, strict=True):
            if waiting:
                side.add(self._features(waiting))
                waiting.clear()

    def _features(self, images: list[Frame]) -> NDArray[np.float64]:
        batch: NDArray[np.uint8] = np.stack(list(_of_one_size("frames", images)))
        if batch.ndim == 3:
            batch = np.repeat(batch[..., None], 3, axis=-1)
        if batch.dtype != np.uint8 or batch.ndim != 4 or batch.shape[-1] != 3:
            raise ValueError(f"images must be (H, W, 3) or (H, W) uint8, but are {batch.shape[1:]} {batch.dtype}.")
        features = _checks.numbers("features", self._extract(batch))
        if features.ndim != 2 or len(features) != len(batch):
            raise ValueError(
                f"extractor must return (N, D) features for {len(batch)} images, but returned {features.shape}."
            )
        return features

    def _keep(self, added: tuple[Moments, Moments]) -> None:
        for side, more in zip(self._moments, added, strict=True):
            side.merge(more)


def _of_one_size(name: str, images: Iterable[Frame]) -> Iterator[Frame]:
    first: tuple[int, ...] | None = None
    for index, image in enumerate(images):
        frame: Frame = _checks.array_of(name, image)
        _checks.unmasked(name, image)
        first = first or frame.shape
        if frame.shape != first:
            raise ValueError(f"{name} must be of one size, but number 0 is {first} and number {index} {frame.shape}.")
        yield frame


@dataclass
class Moments:
    """What a mean and a covariance need, joined batch by batch as Chan et al. (1979) do, without cancellation.

    ``count`` rows so far, their ``mean`` (D,) float64, and ``scatter`` (D, D): the sum of the outer products of
    deviations.
    """

    count: int = 0
    mean: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    scatter: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))

    @property
    def covariance(self) -> NDArray[np.float64]:
        """(D, D) sample covariance, of at least two rows."""
        return self.scatter / (self.count - 1)

    def add(self, rows: NDArray[np.float64]) -> None:
        """Add rows (N, D)."""
        mean = rows.mean(axis=0)
        deviations = rows - mean
        self.merge(type(self)(len(rows), mean, deviations.T @ deviations))

    def merge(self, other: Moments) -> None:
        """Add the rows that another has seen; a ValueError if they have another length."""
        if not other.count:
            return
        if not self.count:
            self.count, self.mean, self.scatter = other.count, other.mean.copy(), other.scatter.copy()
            return
        if len(self.mean) != len(other.mean):
            raise ValueError(f"features must keep their number, but were {len(self.mean)} and are {len(other.mean)}.")
        count = self.count + other.count
        difference = other.mean - self.mean
        self.scatter = (
            self.scatter + other.scatter + np.outer(difference, difference) * (self.count * other.count / count)
        )
        self.mean = self.mean + difference * (other.count / count)
        self.count = count

    def flat(self) -> NDArray[np.float64]:
        """Write everything as one array (1 + D + D²,)."""
        return np.concatenate([[self.count], self.mean, self.scatter.reshape(-1)])

    @classmethod
    def from_flat(cls, values: NDArray[np.float64]) -> Self:
        """Read what `flat` wrote."""
        size = round((np.sqrt(4 * len(values) - 3) - 1) / 2)
        return cls(int(values[0]), values[1 : 1 + size], values[1 + size :].reshape(size, size))
