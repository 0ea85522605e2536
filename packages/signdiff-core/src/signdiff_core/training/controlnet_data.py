"""What a forward pass of the ControlNet's training sees: frames with their conditions, and noise.

All is a function of the seed, the step and the sample's number, over all processes and accumulated batches: a resumed
run repeats the interrupted one, however samples are spread over processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from threading import Lock
from typing import Final, TypedDict

import numpy as np
import torch
from accelerate import Accelerator
from torch.nn.functional import avg_pool2d
from transformers import CLIPTokenizer

from signdiff_core.training.conditions import NEUTRAL, TRUE, Conditions
from signdiff_core.training.kit.batches import ReadAhead, batch_indices
from signdiff_core.training.options import ControlNetConfig
from signdiff_core.training.regions import Box, box_mask, crop_around, hand_boxes, head_box

CHANNELS: Final = {"superimposed": slice(0, 6), "openpose": slice(0, 3), "frnet": slice(3, 6)}
"""By conditions: which of the six channels of a batch's ``control``, c then d, the ControlNet looks at."""

_LOSS: Final = 0x10555
"""Keeps the draws of the noise apart from others with the same seed and step."""


class Batch(TypedDict):
    """What one forward pass sees; h and w are the sides of a latent, H and W those of a frame or crop."""

    moments: torch.Tensor
    """(B, 2 C, h, w) float32: mean and log variance of the latents, unscaled."""

    control: torch.Tensor
    """(B, 6, H, W) float32 in [0, 1]."""

    input_ids: torch.Tensor
    """(B, L) int64."""

    weight: torch.Tensor
    """(B, 1, h, w) float32, mean 1 over each sample, so that it does not depend on the others."""


class Draws(TypedDict):
    """Noise and noise levels of a batch."""

    latents: torch.Tensor
    """(B, C, h, w) float32, standard normal: which latents of the autoencoder's distribution are taken."""

    noise: torch.Tensor
    """(B, C, h, w) float32, standard normal: what is added to them."""

    timesteps: torch.Tensor
    """(B,) int64: noise levels."""


class Batches:
    """Makes any batch of a training run on demand.

    What is drawn for a sample (the corner of a crop, the kind of its map, whether its caption is dropped) depends on
    the sample's number in the run, over all processes and batches that are accumulated: two processes with one sample
    each, or two such batches, see what one with two samples sees.
    """

    def __init__(self, conditions: Conditions, tokenizer: CLIPTokenizer, config: ControlNetConfig) -> None:
        self.conditions, self.config = conditions, config
        self._tokenizer, self._lock = tokenizer, Lock()
        self._known: dict[str, torch.Tensor] = {}

    def __call__(self, micro_step: int, *, rank: int, world: int) -> Batch:
        """Make the batch of a forward pass, counted from 0, for process `rank` of `world`."""
        config, conditions = self.config, self.conditions
        resolution, grid = conditions.resolution, conditions.latent_size
        shared = np.random.default_rng([config.seed, micro_step // config.gradient_accumulation_steps])
        cropped = shared.random() < config.crop_probability
        side = int(shared.choice(config.crop_sizes)) if cropped else resolution
        scale = 1 if cropped else int(shared.choice(config.frame_scales))
        size = round(config.train_batch_size * (scale * resolution / side) ** 2)
        first = (micro_step * world + rank) * size
        indices = batch_indices(
            seed=config.seed + int(cropped),
            batch=micro_step * world + rank,
            batch_size=size,
            length=len(conditions.frames),
        )
        latents, control, weights, texts = [], [], [], []
        for number, index in enumerate(indices, first):
            rng = np.random.default_rng([config.seed, number, side, scale])
            joints = conditions.frames.joints(index)
            mask = box_mask(_details(joints, grid), grid)
            moments, hint = conditions.latents(index), conditions.control(index, self._kind(rng))
            if cropped:
                x, y = self._corner(joints, side, rng)
                hint = hint[:, y : y + side, x : x + side]
                factor = resolution // grid
                window = np.s_[..., y // factor : (y + side) // factor, x // factor : (x + side) // factor]
                moments, mask = moments[window], mask[window]
            latents.append(moments)
            control.append(hint)
            weights.append(np.where(mask, np.float32(config.detail_loss_weight), np.float32(1)))
            dropped = rng.random() < config.proportion_empty_prompts
            texts.append("" if dropped else conditions.frames.rows[index].text)
        weight = avg_pool2d(torch.from_numpy(np.stack(weights))[:, None], scale)
        return Batch(
            moments=avg_pool2d(torch.from_numpy(np.stack(latents).astype(np.float32)), scale),
            control=avg_pool2d(torch.from_numpy(np.stack(control)).float() / 255, scale),
            input_ids=torch.stack([self._ids(text) for text in texts]),
            weight=weight / weight.mean(dim=(1, 2, 3), keepdim=True),
        )

    def _ids(self, text: str) -> torch.Tensor:
        """Give the tokens of a caption, (L,). There may be too many captions to tokenise them all beforehand."""
        with self._lock:
            if text not in self._known:
                length = self._tokenizer.model_max_length
                options = {"max_length": length, "padding": "max_length", "truncation": True, "return_tensors": "pt"}
                self._known[text] = self._tokenizer(text, **options).input_ids[0]
            return self._known[text]

    def _kind(self, rng: np.random.Generator) -> int | None:
        draw = rng.random()
        if draw < self.config.proportion_no_fr:
            return None
        return NEUTRAL if draw < self.config.proportion_no_fr + self.config.proportion_neutral_fr else TRUE

    def _corner(
        self, joints: np.ndarray[tuple[int, ...], np.dtype[np.float32]], side: int, rng: np.random.Generator
    ) -> tuple[int, int]:
        size = self.conditions.resolution
        # A hand is about a fifth of the frame: it stays inside small crops only if they are shifted little.
        reach = 0.1 if side < size // 2 else 0.3
        jitter = (float(rng.uniform(-reach, reach)), float(rng.uniform(-reach, reach)))
        boxes = _details(joints, size, self.config.crop_targets) or [(0, 0, size, size)]
        left, top, right, bottom = boxes[rng.integers(len(boxes))]
        return crop_around(((left + right) / 2, (top + bottom) / 2), side, size, step=side // 4, jitter=jitter)


class BatchReader:
    """Makes this process's batches, on its device; ``dataloader_num_workers`` threads read ahead."""

    def __init__(
        self, batches: Batches, config: ControlNetConfig, accelerator: Accelerator, *, num_train_timesteps: int
    ) -> None:
        self._config, self._accelerator = config, accelerator
        self._timesteps = num_train_timesteps
        make = partial(batches, rank=accelerator.process_index, world=accelerator.num_processes)
        self._read = ReadAhead(make, workers=config.dataloader_num_workers)

    def __call__(self, micro_step: int) -> tuple[Batch, Draws]:
        """Make the batch of a forward pass, or take the one read ahead, and draw noise for it."""
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


def draw_samples(
    shape: Sequence[int],
    *,
    seed: int,
    step: int,
    first: int,
    num_train_timesteps: int,
    proportion_last_timestep: float,
) -> Draws:
    """Draw for latents (B, C, h, w) after `step` steps, on the CPU: a GPU would draw other numbers.

    `first` is the number of the batch's first sample among those of this step; the last of the noise levels, the
    noisiest, gets a share of the samples of its own.
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


def _details(
    joints: np.ndarray[tuple[int, ...], np.dtype[np.float32]], size: int, targets: tuple[str, ...] = ("hands", "head")
) -> list[Box]:
    """Give the boxes of what must be sharp: the hands that are in the frame, and the head."""
    hands = hand_boxes(joints, size) if "hands" in targets else []
    head = head_box(joints, size) if "head" in targets else None
    return [*hands, *([head] if head else [])]
