"""Crops of frames for the autoencoder, more of them around hands than chance would give, and noise for their latents.

Both are a function of the seed and the sample's number in the run, over all processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from signdiff_core.training.regions import crop_around, hand_boxes
from signdiff_core.training.sampling import batch_indices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from signdiff_core.training.frames import Frames
    from signdiff_core.training.vae_config import VAEConfig


def crop_batch(frames: Frames, config: VAEConfig, *, step: int, rank: int, world: int) -> Tensor:
    """Cut the crops of one step.

    Args:
        frames: the training frames.
        config: sizes and shares.
        step: optimizer step.
        rank: number of this process.
        world: number of processes.

    Returns:
        (B, 3, S, S) float32 in [-1, 1]; S is the same in all processes.
    """
    side = int(np.random.default_rng([config.seed, step]).choice(config.crop_sizes))
    count = max(1, round(config.train_batch_size * (config.crop_sizes[0] / side) ** 2))
    batch = step * world + rank
    indices = batch_indices(seed=config.seed, batch=batch, batch_size=count, length=len(frames))
    crops = [
        _crop(frames, index, side, config, np.random.default_rng([config.seed, number, side]))
        for number, index in enumerate(indices, batch * count)
    ]
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 127.5 - 1


def latent_noise(shape: Sequence[int], *, seed: int, step: int, rank: int) -> Tensor:
    """Draw the noise with which the latents of one step are sampled, on the CPU: a GPU would draw other numbers.

    Args:
        shape: of this process's latents, (B, C, h, w).
        seed: of the run.
        step: optimizer step.
        rank: number of this process.

    Returns:
        (B, C, h, w) float32, standard normal.
    """
    numbers = range(rank * shape[0], (rank + 1) * shape[0])
    noise = [np.random.default_rng([seed, step, number, 1]) for number in numbers]
    return torch.from_numpy(np.stack([rng.standard_normal(shape[1:], dtype=np.float32) for rng in noise]))


def _crop(
    frames: Frames, index: int, side: int, config: VAEConfig, rng: np.random.Generator
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    size = config.resolution
    boxes = hand_boxes(frames.joints(index), size)
    if boxes and rng.random() < config.hand_crop_probability:
        left, top, right, bottom = boxes[rng.integers(len(boxes))]
        jitter = (float(rng.uniform(-0.3, 0.3)), float(rng.uniform(-0.3, 0.3)))
        x, y = crop_around(((left + right) / 2, (top + bottom) / 2), side, size, jitter=jitter)
    else:
        x, y = (int(value) for value in rng.integers(0, size - side + 1, size=2))
    return frames.image(index, size)[y : y + side, x : x + side]
