"""The training loss: how far each predicted frame and counter are from the true ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final

import torch
from fairseq2.utils.validation import Validatable, ValidationResult
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import pad, smooth_l1_loss
from typing_extensions import override

from signdiff_core.skeleton import LEFT_HAND, LEFT_WRIST, RIGHT_WRIST
from signdiff_slp.datasets.text_pose import TextPoseBatch
from signdiff_slp.models.progressive import ProgressiveTransformer
from signdiff_slp.models.progressive.counter import counter_target, true_counter
from signdiff_slp.training.augmentation import add_noise


@dataclass(kw_only=True)
class LossConfig(Validatable):
    """Holds the configuration of the loss. The default is the paper's: mean squared error, every value alike."""

    kind: Literal["mse", "l1", "smooth_l1"] = "mse"
    """Distance between standardised values. "l1" and "smooth_l1" prefer one of two likely poses to their mean."""

    beta: float = 0.1
    """Where "smooth_l1" turns from squared to absolute."""

    hand_weight: float = 1.0
    """Weight of the hands' 42 joints beside the body's 8."""

    wrist_weight: float = 1.0
    """Weight of the body's two wrists beside other joints. Hands are predicted relative to them, so a wrist carries 21
    joints; and in letters such as j and z the way of the wrist is the letter."""

    velocity_weight: float = 0.0
    """Weight of the same distance between the steps from one frame to the next."""

    counter_weight: float = 1.0
    """Weight of the squared error of the counter."""

    counter_start_weight: float = 0.0
    """Additional weight of the counter's first step, the only one that has no counters before it to copy from."""

    pose_noise: float = 0.0
    """Standard deviation of the noise on the poses that the decoder reads, in standardised values."""

    counter_noise: float = 0.0
    """Standard deviation of the noise on the counters that the decoder reads."""

    @override
    def validate(self) -> ValidationResult:
        result = ValidationResult()
        if self.kind not in ("mse", "l1", "smooth_l1"):
            result.add_error(f"`kind` must be 'mse', 'l1' or 'smooth_l1', but is {self.kind!r}.")
        for name in ("hand_weight", "wrist_weight", "velocity_weight", "counter_weight", "pose_noise", "counter_noise"):
            if getattr(self, name) < 0.0:
                result.add_error(f"`{name}` must be at least 0, but is {getattr(self, name)}.")
        return result


@dataclass(frozen=True)
class Loss:
    """Sums over the frames of a batch."""

    total: Tensor
    """What to minimise."""

    pose: Tensor
    """Mean squared standardised error per value, summed over frames."""

    counter: Tensor
    """Squared error of what is predicted for the counter, summed over frames."""

    num_targets: int
    """Frames that were summed over; a frame that is predicted K times counts K times."""


@final
class Criterion:
    """Computes the loss of a batch.

    Args:
        model: the model, maybe wrapped for data parallelism; called for the loss.
        bare_model: the model itself.
        config: the loss.
    """

    def __init__(self, model: Module, bare_model: ProgressiveTransformer, config: LossConfig) -> None:
        self._model = model
        self._bare_model = bare_model
        self._config = config

    def __call__(self, batch: TextPoseBatch) -> Loss:
        """Compute the loss. Padded frames count for nothing; noise is added in training mode only."""
        config, model = self._config, self._bare_model
        layout = batch.pose_layout
        frames, inputs = decoder_frames(model, batch)
        if self._model.training:
            inputs = add_noise(inputs, pose_noise=config.pose_noise, counter_noise=config.counter_noise)
        predicted: Tensor = self._model(batch.source_seqs, batch.source_layout, inputs, layout)
        predicted = predicted.float()

        targets, mask = future_targets(frames, layout.position_indices >= 0, model.config.num_future_frames)
        wanted = counter_target(model.config.counter, targets[..., -1].flatten(1), layout.seq_lens_pt)
        wanted = wanted.view_as(targets[..., -1])
        counter = torch.where(mask, predicted[..., -1] - wanted, 0.0).square()
        if model.config.variant == "published":
            counter = counter[..., :1]  # the one that is predicted
        start = counter[:, 0, 0].sum()

        # Masked before anything is made of it: a zero times the gradient of a padded infinity would not be one.
        difference = torch.where(mask.unsqueeze(-1), predicted[..., :-1] - targets[..., :-1], 0.0)
        squared = difference.square().mean(-1).sum()
        distance = self._distance(difference)
        if config.velocity_weight > 0.0:
            change = torch.where(mask[:, 1:].unsqueeze(-1), difference[:, 1:] - difference[:, :-1], 0.0)
            distance = distance + config.velocity_weight * self._distance(change)

        total = distance + config.counter_weight * (counter.sum() + config.counter_start_weight * start)
        return Loss(total, squared.detach(), counter.sum().detach(), int(mask.sum()))

    def _distance(self, difference: Tensor) -> Tensor:
        """Measure (N, T, K, 150): the weighted mean over the values, summed over everything else."""
        config = self._config
        if config.kind == "mse":
            errors = difference.square()
        else:
            beta = config.beta if config.kind == "smooth_l1" else 0.0
            errors = smooth_l1_loss(difference, torch.zeros_like(difference), beta=beta, reduction="none")
        weights = torch.ones(errors.shape[-1], device=errors.device)
        weights[3 * LEFT_HAND.start :] = config.hand_weight
        for wrist in (LEFT_WRIST, RIGHT_WRIST):
            weights[3 * wrist : 3 * wrist + 3] = config.wrist_weight
        return (errors * (weights / weights.mean())).mean(-1).sum()


def decoder_frames(model: ProgressiveTransformer, batch: TextPoseBatch) -> tuple[Tensor, Tensor]:
    """Make the true frames, and the decoder's input: the same, one step later, after the rest pose.

    Returns:
        Both (N, T, D + 1): standardised values and counters.
    """
    layout = batch.pose_layout
    counter = true_counter(layout.position_indices, layout.seq_lens_pt).unsqueeze(-1)
    frames = torch.cat([model.standardizer(batch.poses), counter], dim=-1)
    rest = model.standardizer(model.standardizer.rest)
    start = torch.cat([rest, rest.new_zeros(1)]).expand(len(frames), 1, -1)
    return frames, torch.cat([start, frames[:, :-1]], dim=1)


def future_targets(frames: Tensor, valid: Tensor, num_future_frames: int) -> tuple[Tensor, Tensor]:
    """Line up, for every step, the frames that it is to predict.

    Args:
        frames: (N, T, D + 1).
        valid: (N, T) bool: not padding.
        num_future_frames: K.

    Returns:
        Targets (N, T, K, D + 1), where number k of step t is frame t + k; and which of them exist, (N, T, K) bool.
    """
    shifts = range(num_future_frames)
    targets = torch.stack([pad(frames[:, k:], (0, 0, 0, k)) for k in shifts], dim=2)
    mask = torch.stack([pad(valid[:, k:], (0, k)) for k in shifts], dim=2)
    return targets, mask
