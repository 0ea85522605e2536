"""Batches as a function of the step, so that a resumed run sees what an uninterrupted one would; and their loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from signdiff_eval.backtranslation.features import PoseFeatures
from signdiff_eval.backtranslation.network import EOS, PAD, collate
from signdiff_eval.training.config import BackTranslationConfig
from signdiff_eval.training.examples import Example

if TYPE_CHECKING:
    from tokenizers import Tokenizer

IGNORED = -100
"""Label of the padding, as torch's cross-entropy has it."""

POOL = 16
"""Batches whose poses are sorted by length together."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One process' part of a micro-batch: features (B, T, F) float32, and a mask (B, T) int64, 1 where a frame is real.

    Labels are (B, N) int64 tokens with the end token, then `IGNORED`; the loss counts divided by ``share``, the tokens
    of the whole optimizer step.
    """

    features: torch.Tensor
    mask: torch.Tensor
    labels: torch.Tensor
    share: int

    def to(self, device: torch.device) -> Batch:
        """Bring it to a device."""
        return Batch(self.features.to(device), self.mask.to(device), self.labels.to(device), self.share)


class Batches:
    """Draws and prepares training batches; a ValueError if there are fewer examples than a step takes."""

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
        """Make a process' part of the batch that a step of the optimizer takes in as its ``micro``-th."""
        chosen = self.chosen(step)
        share = sum(len(self.tokens[index]) for index in chosen)
        mine = chosen[micro * world + rank :: self.config.gradient_accumulation_steps * world]
        features, mask = collate([self._changed(index, step) for index in mine])
        longest = max(len(self.tokens[index]) for index in mine)
        labels = np.full((len(mine), longest), IGNORED, dtype=np.int64)
        for row, index in enumerate(mine):
            labels[row, : len(self.tokens[index])] = self.tokens[index]
        return Batch(features, mask, torch.from_numpy(labels), share)

    def chosen(self, step: int) -> list[int]:
        """Choose the examples of a step, of similar length."""
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

    def _changed(self, index: int, step: int) -> NDArray[np.float32]:
        rng = np.random.default_rng([self.config.seed, 2, step, index])
        joints = self.examples[index].at(self.features.fps)
        if self.config.time_stretch:
            limit = np.log1p(self.config.time_stretch)
            joints = stretch(joints, float(np.exp(rng.uniform(-limit, limit))))
        return add_noise(self.features(joints), self.config.noise, rng)


class BackTranslationLoss(nn.Module):
    """Wraps a Speech2TextForConditionalGeneration so that its forward pass gives the loss.

    Label smoothing spreads a share of the target over all tokens; the CTC loss (Graves et al. 2006) has a weight in [0,
    1), and cross-entropy the rest.
    """

    def __init__(self, network: Any, *, label_smoothing: float, ctc_weight: float) -> None:
        super().__init__()
        self.network = network
        self.ctc_weight = ctc_weight
        self.label_smoothing = label_smoothing
        self.ctc_head = nn.Linear(network.config.d_model, network.config.vocab_size) if ctc_weight else None

    def forward(self, features: Tensor, mask: Tensor, labels: Tensor, share: int) -> Tensor:
        """Compute the loss, a float32 scalar, of features (B, T, F) with a mask (B, T), 1 where a frame is real.

        Labels are (B, N) tokens, the rest `IGNORED`; ``share`` is what the sum over tokens is divided by.
        """
        output = self.network(input_features=features, attention_mask=mask, labels=labels, use_cache=False)
        total = nn.functional.cross_entropy(
            output.logits.float().flatten(0, 1),
            labels.flatten(),
            ignore_index=IGNORED,
            label_smoothing=self.label_smoothing,
            reduction="sum",
        )
        if self.ctc_head is not None:
            total = (1 - self.ctc_weight) * total + self.ctc_weight * self._ctc(output, mask, labels)
        return total / share

    def _ctc(self, output: Any, mask: Tensor, labels: Tensor) -> Tensor:
        head: Any = self.ctc_head
        chances = head(output.encoder_last_hidden_state).float().log_softmax(dim=-1).transpose(0, 1)
        frames = self.network._get_feat_extract_output_lengths(mask.sum(dim=1))
        loss: Tensor = nn.functional.ctc_loss(
            chances,
            labels.clamp(min=PAD),
            frames.clamp(max=len(chances)),
            (labels != IGNORED).sum(dim=1) - 1,  # without the end token
            blank=PAD,
            reduction="sum",
            zero_infinity=True,
        )
        return loss


def stretch(joints: NDArray[np.float32], tempo: float) -> NDArray[np.float32]:
    """Change the tempo of (T, J, C) by linear interpolation, from the first to the last frame; 2 halves their number.

    Example:
        >>> stretch(np.arange(5, dtype=np.float32).reshape(5, 1, 1), 2.0).ravel().tolist()
        [0.0, 2.0, 4.0]
    """
    frames = max(1, round((len(joints) - 1) / tempo) + 1)
    times = np.linspace(0, len(joints) - 1, frames)
    before = times.astype(np.intp)
    after = np.minimum(before + 1, len(joints) - 1)
    weight = (times - before).astype(np.float32)[:, None, None]
    return joints[before] * (1 - weight) + joints[after] * weight


def add_noise(features: NDArray[np.float32], amount: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Add Gaussian noise of a deviation from 0 to ``amount`` to features (T, F)."""
    if amount == 0:
        return features
    return features + rng.standard_normal(features.shape, dtype=np.float32) * np.float32(rng.uniform(0, amount))
