"""Batches of training: a function of the seed and the number of the batch alone."""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from signdiff_core.training.kit.batches import shuffled
from signdiff_frnet.contract import UInt8Image
from signdiff_frnet.detector import FRNetDetector
from signdiff_frnet.training.config import PredictorTrainingConfig
from signdiff_frnet.training.images import Framing
from signdiff_frnet.training.sources import Source

MAPS: Final = 1 << 14
"""FR maps that are kept in memory."""


class Batch(NamedTuple):
    """What one forward pass sees."""

    conditions: torch.Tensor
    """(B, 4, H, W) float32 in [0, 1]; see `StrokeUNet.forward`."""

    strokes: torch.Tensor
    """(B, 1, H, W) float32, 1 on the strokes of the frame's FR map, 0 elsewhere."""


class Batches:
    """Makes any batch of a training run on demand.

    What a sample looks like follows from its position in the run, over all processes, so that a batch of one process is
    the same as two half batches of two processes.
    """

    def __init__(self, source: Source, config: PredictorTrainingConfig) -> None:
        self.source, self.config = source, config
        self._length = min(len(source), config.max_train_samples or len(source))
        self._detector = FRNetDetector()
        # Packed bits: a map of 256x256 takes 8 kB, and is asked for again as a reference and in later epochs.
        self._packed = lru_cache(maxsize=MAPS)(self._draw)

    def __call__(self, micro_step: int, *, rank: int, world: int) -> Batch:
        """Make the batch of a forward pass, counted from 0, for one of the processes."""
        config = self.config
        sides, largest = config.resolutions, config.train_batch_size * _ratio(config.resolutions)
        side = int(np.random.default_rng([config.seed, 1, micro_step]).choice(sides))
        count = max(1, round(config.train_batch_size * (sides[0] / side) ** 2))
        start = micro_step * largest * world + rank * count
        samples = [self._sample(position, side) for position in range(start, start + count)]
        conditions, strokes = (np.stack(arrays) for arrays in zip(*samples, strict=True))
        return Batch(torch.from_numpy(conditions).float() / 255, torch.from_numpy(strokes)[:, None].float())

    def fr_map(self, index: int, side: int) -> UInt8Image:
        """Draw the FR map of a sample's frame, (side, side) uint8, 0 on the strokes and 255 elsewhere."""
        return np.unpackbits(self._packed(index, side), axis=1) * np.uint8(255)

    def conditions(self, index: int, side: int, reference: int | None) -> UInt8Image:
        """Put a sample's drawing and the FR map of another, or none, together: (4, side, side) uint8."""
        together = np.zeros((4, side, side), dtype=np.uint8)
        together[:3] = self.source.drawing(index, side).transpose(2, 0, 1)
        if reference is not None:
            together[3] = self.fr_map(reference, side)
        return together

    def reframed(self, index: int, side: int, framing: Framing) -> tuple[UInt8Image, UInt8Image]:
        """Move a sample as if the camera stood elsewhere: drawing (S, S, 3), and FR map (S, S) of the moved frame."""
        frame = framing.of_frame(self.source.frame(index, side))
        fr_map = draw_map(self._detector, frame, side, self.config)
        return framing.of_drawing(self.source.drawing(index, side)), fr_map

    def _draw(self, index: int, side: int) -> UInt8Image:
        return np.packbits(draw_map(self._detector, self.source.frame(index, side), side, self.config) != 0, axis=1)

    def _sample(self, position: int, side: int) -> tuple[UInt8Image, NDArray[np.bool_]]:
        config = self.config
        index = shuffled((config.seed, 0, position // self._length), self._length)[position % self._length]
        rng = np.random.default_rng([config.seed, 2, position])
        others = self.source.companions(int(index)) if rng.random() >= config.proportion_no_reference else []
        reference = others[rng.integers(len(others))] if others else None
        if rng.random() >= config.proportion_reframed:
            return self.conditions(int(index), side, reference), self.fr_map(int(index), side) == 0
        framing = Framing.draw(rng, side, scale=config.scale, translate=config.translate)
        drawing, fr_map = self.reframed(int(index), side, framing)
        together = np.zeros((4, side, side), dtype=np.uint8)
        together[:3] = drawing.transpose(2, 0, 1)
        if reference is not None:
            together[3] = self.reframed(reference, side, framing)[1]
        return together, fr_map == 0


def draw_map(detector: FRNetDetector, frame: UInt8Image, side: int, config: PredictorTrainingConfig) -> UInt8Image:
    """Draw the map that should be found of (H, W, 3) uint8, square: (side, side) uint8, 0 on strokes, 255 elsewhere."""
    fr_map: UInt8Image = detector(
        frame,
        threshold_method=config.threshold_method,
        block_size=config.block_size,
        offset=config.offset,
        kernel_size=config.kernel_size,
        detect_resolution=config.detect_resolution,
        image_resolution=side,
        output_type="np",
    )
    return fr_map[..., 0]


def _ratio(sides: tuple[int, ...]) -> int:
    return max(1, -(-(sides[0] ** 2) // min(sides) ** 2))
