"""What chance decides in a forward pass: a function of the seed, the step and the sample alone.

Samples are numbered over all processes and accumulated batches of a step. So a resumed run repeats the interrupted
one, and as many samples a step give the same run, however they are spread over processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOSS: Final = 0x10555
"""Keeps these draws apart from others with the same seed and step."""


class Draws(TypedDict):
    """Noise and noise levels of a batch."""

    latents: torch.Tensor
    """(B, C, h, w) float32, standard normal: which latents of the autoencoder's distribution are taken."""

    noise: torch.Tensor
    """(B, C, h, w) float32, standard normal: what is added to them."""

    timesteps: torch.Tensor
    """(B,) int64: noise levels."""


def draw_samples(
    shape: Sequence[int],
    *,
    seed: int,
    step: int,
    first: int,
    num_train_timesteps: int,
    proportion_last_timestep: float,
) -> Draws:
    """Draw for a batch, on the CPU: a GPU would draw other numbers.

    Args:
        shape: of the latents, (B, C, h, w).
        seed: of the run.
        step: optimizer steps so far.
        first: number of the batch's first sample among those of this step.
        num_train_timesteps: noise levels; the last one is the noisiest.
        proportion_last_timestep: share of the samples at the last.
    """
    latents, noise, timesteps = [], [], []
    for number in range(first, first + shape[0]):
        rng = np.random.default_rng([seed, step, number, _LOSS])
        latents.append(rng.standard_normal(shape[1:], dtype=np.float32))
        noise.append(rng.standard_normal(shape[1:], dtype=np.float32))
        level = int(rng.integers(num_train_timesteps))
        timesteps.append(num_train_timesteps - 1 if rng.random() < proportion_last_timestep else level)
    return Draws(
        latents=torch.from_numpy(np.stack(latents)),
        noise=torch.from_numpy(np.stack(noise)),
        timesteps=torch.tensor(timesteps),
    )
