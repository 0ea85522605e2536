"""Batches for the ControlNet's training: a function of the seed and the number of the batch alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import numpy as np
import torch
from torch.nn.functional import avg_pool2d

from signdiff_core.training.conditions import NEUTRAL, TRUE, ConditionCache
from signdiff_core.training.regions import Box, box_mask, crop_around, hand_boxes, head_box
from signdiff_core.training.sampling import batch_indices

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

    from signdiff_core.training.controlnet_config import ControlNetConfig


class Batch(TypedDict):
    """What one forward pass sees; h and w are the sides of a latent, H and W those of a frame or crop."""

    moments: torch.Tensor
    """(B, 2 C, h, w) float32: mean and log variance of the latents, unscaled."""

    control: torch.Tensor
    """(B, 6, H, W) float32 in [0, 1]."""

    input_ids: torch.Tensor
    """(B, L) int64."""

    weight: torch.Tensor
    """(B, 1, h, w) float32, mean 1 over the batch."""


class Batches:
    """Makes any batch of a training run on demand.

    Args:
        cache: conditions and latents.
        tokenizer: of the base.
        config: sizes and shares.
    """

    def __init__(self, cache: ConditionCache, tokenizer: CLIPTokenizer, config: ControlNetConfig) -> None:
        self.cache, self.config = cache, config
        texts = ["", *(row.text for row in cache.frames.rows)]
        unique = sorted(set(texts))
        ids = tokenizer(
            unique, max_length=tokenizer.model_max_length, padding="max_length", truncation=True, return_tensors="pt"
        ).input_ids
        table = dict(zip(unique, ids, strict=True))
        self._ids = torch.stack([table[text] for text in texts[1:]])
        self._empty = table[""]

    def __call__(self, micro_step: int, *, rank: int, world: int) -> Batch:
        """Make a batch.

        Args:
            micro_step: number of the forward pass, from 0.
            rank: number of this process.
            world: number of processes.
        """
        config, cache = self.config, self.cache
        shared = np.random.default_rng([config.seed, micro_step])
        cropped = shared.random() < config.crop_probability
        side = int(shared.choice(config.crop_sizes)) if cropped else cache.resolution
        rng = np.random.default_rng([config.seed, micro_step, rank + 1])
        scale = 1 if cropped else int(shared.choice(config.frame_scales))
        size = round(config.train_batch_size * (scale * cache.resolution / side) ** 2)
        indices = batch_indices(
            seed=config.seed + int(cropped), batch=micro_step * world + rank, batch_size=size, length=len(cache.frames)
        )
        moments, control, weights, ids = [], [], [], []
        for index in indices:
            factor = cache.resolution // cache.moments.shape[-1]
            joints = cache.frames.joints(index)
            mask = box_mask(_details(joints, cache.moments.shape[-1]), cache.moments.shape[-1])
            moment, hint = cache.moments[index], cache.control(index, self._kind(rng))
            if cropped:
                x, y = self._corner(joints, side, rng)
                hint = hint[:, y : y + side, x : x + side]
                window = np.s_[..., y // factor : (y + side) // factor, x // factor : (x + side) // factor]
                moment, mask = moment[window], mask[window]
            moments.append(moment)
            control.append(hint)
            weights.append(np.where(mask, np.float32(config.detail_loss_weight), np.float32(1)))
            ids.append(self._empty if rng.random() < config.proportion_empty_prompts else self._ids[index])
        weight = avg_pool2d(torch.from_numpy(np.stack(weights))[:, None], scale)
        return Batch(
            moments=avg_pool2d(torch.from_numpy(np.stack(moments).astype(np.float32)), scale),
            control=avg_pool2d(torch.from_numpy(np.stack(control)).float() / 255, scale),
            input_ids=torch.stack(ids),
            weight=weight / weight.mean(),
        )

    def _kind(self, rng: np.random.Generator) -> int | None:
        draw = rng.random()
        if draw < self.config.proportion_no_fr:
            return None
        return NEUTRAL if draw < self.config.proportion_no_fr + self.config.proportion_neutral_fr else TRUE

    def _corner(
        self, joints: np.ndarray[tuple[int, ...], np.dtype[np.float32]], side: int, rng: np.random.Generator
    ) -> tuple[int, int]:
        size = self.cache.resolution
        # A hand is about a fifth of the frame: it stays inside small crops only if they are shifted little.
        reach = 0.1 if side < size // 2 else 0.3
        jitter = (float(rng.uniform(-reach, reach)), float(rng.uniform(-reach, reach)))
        boxes = _details(joints, size, self.config.crop_targets) or [(0, 0, size, size)]
        left, top, right, bottom = boxes[rng.integers(len(boxes))]
        return crop_around(((left + right) / 2, (top + bottom) / 2), side, size, step=side // 4, jitter=jitter)


def _details(
    joints: np.ndarray[tuple[int, ...], np.dtype[np.float32]], size: int, targets: tuple[str, ...] = ("hands", "head")
) -> list[Box]:
    """Give the boxes of what must be sharp: the hands that are in the frame, and the head."""
    hands = hand_boxes(joints, size) if "hands" in targets else []
    head = head_box(joints, size) if "head" in targets else None
    return [*hands, *([head] if head else [])]
