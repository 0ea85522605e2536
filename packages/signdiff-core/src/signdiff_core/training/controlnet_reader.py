"""Batches for the forward passes of a training run, read ahead, with the noise that is drawn for them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import torch

from signdiff_core.training.batches import Batch
from signdiff_core.training.controlnet_draws import Draws, draw_samples
from signdiff_core.training.controlnet_start import CHANNELS

if TYPE_CHECKING:
    from concurrent.futures import Future

    from accelerate import Accelerator

    from signdiff_core.training.batches import Batches
    from signdiff_core.training.controlnet_config import ControlNetConfig


class BatchReader:
    """Makes this process's batches, on its device.

    Args:
        batches: of the data.
        config: the run's options; ``dataloader_num_workers`` threads read ahead.
        accelerator: says which process this is, of how many, and its device.
        num_train_timesteps: noise levels of the scheduler.
    """

    def __init__(
        self, batches: Batches, config: ControlNetConfig, accelerator: Accelerator, *, num_train_timesteps: int
    ) -> None:
        self._batches, self._config, self._accelerator = batches, config, accelerator
        self._timesteps = num_train_timesteps
        workers = config.dataloader_num_workers
        self._threads = ThreadPoolExecutor(workers) if workers else None
        self._ahead: dict[int, Future[Batch]] = {}

    def __call__(self, micro_step: int) -> tuple[Batch, Draws]:
        """Make a batch, or take it from those that were read ahead, and draw noise for it.

        Args:
            micro_step: number of the forward pass, from 0.
        """
        batch = self._read(micro_step)
        draws = self._draw(micro_step, batch["moments"].shape)
        device, control = self._accelerator.device, batch["control"][:, CHANNELS[self._config.conditions]]
        return Batch(
            moments=batch["moments"].to(device, memory_format=torch.channels_last),
            control=control.to(device, memory_format=torch.channels_last),
            input_ids=batch["input_ids"].to(device),
            weight=batch["weight"].to(device),
        ), Draws(
            latents=draws["latents"].to(device, memory_format=torch.channels_last),
            noise=draws["noise"].to(device, memory_format=torch.channels_last),
            timesteps=draws["timesteps"].to(device),
        )

    def _read(self, micro_step: int) -> Batch:
        world, rank = self._accelerator.num_processes, self._accelerator.process_index
        if self._threads is None:
            return self._batches(micro_step, rank=rank, world=world)
        for step in range(micro_step, micro_step + self._config.dataloader_num_workers + 1):
            if step not in self._ahead:
                self._ahead[step] = self._threads.submit(self._batches, step, rank=rank, world=world)
        return self._ahead.pop(micro_step).result()

    def _draw(self, micro_step: int, shape: torch.Size) -> Draws:
        """Draw for (B, 2 C, h, w) moments; what a sample gets does not depend on how many processes there are."""
        count, channels, height, width = shape
        step, accumulated = divmod(micro_step, self._config.gradient_accumulation_steps)
        world, rank = self._accelerator.num_processes, self._accelerator.process_index
        return draw_samples(
            (count, channels // 2, height, width),
            seed=self._config.seed,
            step=step,
            first=(accumulated * world + rank) * count,
            num_train_timesteps=self._timesteps,
            proportion_last_timestep=self._config.proportion_last_timestep,
        )
