"""The training loss: how far each predicted frame and counter are from the true ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor
from torch.nn import Module
from torch.nn.functional import pad, smooth_l1_loss

from signdiff_slp.datasets.text_pose import TextPoseBatch
from signdiff_slp.models.progressive import ProgressiveTransformer, bone_directions
from signdiff_slp.models.progressive.counter import counter_target, true_counter
from signdiff_slp.models.progressive.poses import as_joints
from signdiff_slp.recipes.train.config import LossConfig


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
    """Frames that these sums are to be divided by; a frame that is predicted K times counts K times, and padding counts
    where the configuration says so."""

    comparable: Tensor
    """As ``pose``, of the next frame only where a step predicts several, and never of padding: to compare models and
    losses of any configuration."""

    num_frames: int
    """What ``comparable`` is to be divided by: frames without padding."""


@final
class Criterion:
    """Computes the loss of a batch by calling ``model``, ``bare_model`` maybe wrapped for data parallelism.

    A ``ValueError`` says if the loss needs residuals that the model does not keep.
    """

    def __init__(self, model: Module, bare_model: ProgressiveTransformer, config: LossConfig) -> None:
        if config.residual_noise > 0.0 and bare_model.residuals is None:
            raise ValueError(
                "residual_noise needs a model with residual_statistics (model.config_overrides.residual_statistics)."
            )
        self._model = model
        self._bare_model = bare_model
        self._config = config

    def __call__(self, batch: TextPoseBatch) -> Loss:
        """Compute the loss. Noise is added, and residuals are taken in, in training mode only."""
        config, model = self._config, self._bare_model
        layout = batch.pose_layout
        frames, inputs = decoder_frames(model, batch)
        if self._model.training:
            inputs = add_noise(inputs, pose_noise=self._pose_noise(), counter_noise=config.counter_noise)
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
        if self._model.training and model.residuals is not None:
            model.residuals.update(difference[:, :, 0], mask[:, :, 0])
        squared = difference.square().mean(-1)
        distance = self._distance(difference)
        if config.velocity_weight > 0.0:
            change = torch.where(mask[:, 1:].unsqueeze(-1), difference[:, 1:] - difference[:, :-1], 0.0)
            distance = distance + config.velocity_weight * self._distance(change)
        if config.bone_weight > 0.0:
            distance = distance + config.bone_weight * self._directions(predicted[..., :-1], targets[..., :-1], mask)

        num_targets = mask.numel() if config.count_padding else int(mask.sum())
        total = distance + config.counter_weight * (counter.sum() + config.counter_start_weight * start)
        total = config.loss_scale * total
        if config.lv_lambda > 0.0:
            # Gradients are divided by the number of targets, which this term does not depend on.
            total = total + config.lv_lambda * num_targets * weight_norms(self._model)
        return Loss(
            total,
            squared.sum().detach(),
            counter.sum().detach(),
            num_targets,
            squared[:, :, 0].sum().detach(),
            int(mask[:, :, 0].sum()),
        )

    def _pose_noise(self) -> Tensor | float:
        config, residuals = self._config, self._bare_model.residuals
        if residuals is None:
            return config.pose_noise
        return config.pose_noise + config.residual_noise * residuals.spread

    def _directions(self, predicted: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        standardizer = self._bare_model.standardizer
        targets = torch.where(mask.unsqueeze(-1), targets, 0.0)
        made, true = (
            bone_directions(as_joints(standardizer.inverse(values)), standardizer.skeleton)
            for values in (predicted, targets)
        )
        # 1 minus the cosine, twice: the squared distance of unit vectors.
        errors = 2 * (1 - (made * true).sum(-1)).mean(-1)
        return torch.where(mask, errors, 0.0).sum()

    def _distance(self, difference: Tensor) -> Tensor:
        """Measure (N, T, K, D): the weighted mean over the values, summed over everything else."""
        config = self._config
        if config.kind == "mse":
            errors = difference.square()
        else:
            beta = config.beta if config.kind == "smooth_l1" else 0.0
            errors = smooth_l1_loss(difference, torch.zeros_like(difference), beta=beta, reduction="none")
        weights = torch.ones(errors.shape[-1], device=errors.device)
        for start, stop, wrist in self._bare_model.standardizer.skeleton.hands:
            weights[3 * start : 3 * stop] = config.hand_weight
            weights[3 * wrist : 3 * wrist + 3] = config.wrist_weight
        return (errors * (weights / weights.mean())).mean(-1).sum()


def decoder_frames(model: ProgressiveTransformer, batch: TextPoseBatch) -> tuple[Tensor, Tensor]:
    """Make the true frames (N, T, D + 1), and the decoder's input: the same, one step later, after the rest pose."""
    layout = batch.pose_layout
    counter = true_counter(layout.position_indices, layout.seq_lens_pt).unsqueeze(-1)
    frames = torch.cat([model.standardizer(batch.poses), counter], dim=-1)
    rest = model.standardizer(model.standardizer.rest)
    start = torch.cat([rest, rest.new_zeros(1)]).expand(len(frames), 1, -1)
    return frames, torch.cat([start, frames[:, :-1]], dim=1)


def future_targets(frames: Tensor, valid: Tensor, num_future_frames: int) -> tuple[Tensor, Tensor]:
    """Line up, for every step of frames (N, T, D + 1), the K frames that it is to predict.

    Number k of step t in targets (N, T, K, D + 1) is frame t + k; (N, T, K) bool tells which exist and are no padding.
    """
    shifts = range(num_future_frames)
    targets = torch.stack([pad(frames[:, k:], (0, 0, 0, k)) for k in shifts], dim=2)
    mask = torch.stack([pad(valid[:, k:], (0, k)) for k in shifts], dim=2)
    return targets, mask


def add_noise(frames: Tensor, *, pose_noise: Tensor | float, counter_noise: float) -> Tensor:
    """Add Gaussian noise to the decoder's input, so that it learns to recover from its own errors: the paper's GN.

    Noise is given by its standard deviation, on standardised values one for all or (D,).
    """
    if isinstance(pose_noise, float) and pose_noise <= 0.0 and counter_noise <= 0.0:
        return frames
    scale = torch.empty(frames.shape[-1], dtype=frames.dtype, device=frames.device)
    scale[:-1], scale[-1] = pose_noise, counter_noise
    return frames + scale * torch.randn_like(frames)


def weight_norms(model: Module) -> Tensor:
    """Add up the norms of all parameters, sharded or not, named "weight": the second term of the Long Video loss."""
    norms = [
        torch.linalg.vector_norm(parameter.float()) for name, parameter in model.named_parameters() if "weight" in name
    ]
    return torch.stack([norm.full_tensor() if isinstance(norm, DTensor) else norm for norm in norms]).sum()
