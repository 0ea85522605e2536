"""Batches as a function of the step, so that a resumed run sees what an uninterrupted one would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from signdiff_eval.backtranslation.network import EOS, collate
from signdiff_eval.training.augmentation import add_noise, stretch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenizers import Tokenizer

    from signdiff_eval.backtranslation.features import PoseFeatures
    from signdiff_eval.training.config import BackTranslationConfig
    from signdiff_eval.training.examples import Example

IGNORED = -100
"""Label of the padding, as torch's cross-entropy has it."""

POOL = 16
"""Batches whose poses are sorted by length together."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One process' part of a micro-batch.

    Attributes:
        features: (B, T, F) float32.
        mask: (B, T) int64, 1 where a frame is real.
        labels: (B, N) int64 tokens with the end token, then `IGNORED`.
        share: this part's loss counts divided by so many tokens: those of the whole optimizer step.
    """

    features: torch.Tensor
    mask: torch.Tensor
    labels: torch.Tensor
    share: int

    def to(self, device: torch.device) -> Batch:
        """Bring it to a device."""
        return Batch(self.features.to(device), self.mask.to(device), self.labels.to(device), self.share)


class Batches:
    """Draws and prepares training batches.

    Args:
        examples: the training set.
        features: turns joints into features.
        tokenizer: turns texts into tokens.
        config: sizes and changes.
        world: processes.

    Raises:
        ValueError: there are fewer examples than a step takes.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        features: PoseFeatures,
        tokenizer: Tokenizer,
        config: BackTranslationConfig,
        *,
        world: int,
    ) -> None:
        self.examples, self.features, self.config = examples, features, config
        self.tokens = [[*tokenizer.encode(example.text).ids, EOS] for example in examples]
        self._lengths = np.array([len(example.joints) for example in examples])
        self._step_size = config.train_batch_size * config.gradient_accumulation_steps * world
        if len(examples) < self._step_size:
            raise ValueError(
                f"the training data must hold at least the {self._step_size} poses of an optimizer step, "
                f"but hold {len(examples)}: lower train_batch_size."
            )
        self._epoch: tuple[int, list[list[int]]] = (-1, [])
        self.steps_per_epoch = len(examples) // self._step_size

    def __call__(self, step: int, micro: int, *, rank: int, world: int) -> Batch:
        """Make a batch.

        Args:
            step: of the optimizer, from 0.
            micro: which of the step's accumulated batches.
            rank: which of the processes.
            world: how many processes.
        """
        chosen = self.chosen(step)
        share = sum(len(self.tokens[index]) for index in chosen)
        mine = chosen[micro * world + rank :: self.config.gradient_accumulation_steps * world]
        features, mask = collate([self._seen(index, step) for index in mine])
        longest = max(len(self.tokens[index]) for index in mine)
        labels = np.full((len(mine), longest), IGNORED, dtype=np.int64)
        for row, index in enumerate(mine):
            labels[row, : len(self.tokens[index])] = self.tokens[index]
        return Batch(features, mask, torch.from_numpy(labels), share)

    def chosen(self, step: int) -> list[int]:
        """Tell which examples a step takes, of similar length."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if self._epoch[0] != epoch:
            self._epoch = (epoch, self._drawn(epoch))
        return self._epoch[1][place]

    def _drawn(self, epoch: int) -> list[list[int]]:
        rng = np.random.default_rng([self.config.seed, 1, epoch])
        size = self._step_size
        order = rng.permutation(len(self.examples))[: self.steps_per_epoch * size]
        batches = []
        for start in range(0, len(order), size * POOL):
            pool = order[start : start + size * POOL]
            pool = pool[np.argsort(self._lengths[pool], kind="stable")]
            batches += [pool[place : place + size].tolist() for place in range(0, len(pool), size)]
        return [batches[index] for index in rng.permutation(len(batches))]

    def _seen(self, index: int, step: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        rng = np.random.default_rng([self.config.seed, 2, step, index])
        joints = self.examples[index].at(self.features.fps)
        if self.config.time_stretch:
            limit = np.log1p(self.config.time_stretch)
            joints = stretch(joints, float(np.exp(rng.uniform(-limit, limit))))
        return add_noise(self.features(joints), self.config.noise, rng)
