"""The search for directions and bone lengths by back propagation, for a batch of clips, and where it starts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from signdiff_core.skeleton import NECK
from signdiff_slp.prepare.lifting.measuring import BONES, CARRYING, LIMBS, NUM_BONES

_LEAST_DEPTH: Final = 0.1
"""Of a direction at the start. One that lies across the line of sight could not find its way out of it."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a fit is searched; the fields are the options of `lift`. A ``ValueError`` says if one is out of its range."""

    steps: int
    lr: float
    smoothness: float
    length_weight: float

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise ValueError(f"steps must be at least 0, but is {self.steps}.")
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise ValueError(f"lr must be positive, but is {self.lr}.")
        for name in ("smoothness", "length_weight"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be at least 0, but is {value}.")


class Fit:
    """A batch of clips whose limbs are turned until they reach what was seen.

    Clips have their own bones, and no clip's result depends on another's, but for rounding. ``targets`` (2, B, T, 50)
    are positions in the picture, scaled, with anything finite as padding; ``weights`` (B, T, 50) confidences, 0 in
    padding; ``lens`` (B) frames of each clip; ``log_lengths`` (B, 25) what the bones were measured.
    """

    def __init__(self, targets: Tensor, weights: Tensor, lens: Tensor, log_lengths: Tensor, settings: Settings) -> None:
        device = targets.device
        self.settings = settings
        self.targets = targets
        # Each clip's loss is a mean over its own frames and joints. The 2 is that of a square's derivative.
        share = 2 / (lens.view(-1, 1, 1) * weights.size(2))
        self.weights = weights * share
        times = torch.arange(targets.size(2), device=device)[1:-1]
        self.bent_weights = (times < lens.unsqueeze(1) - 1).unsqueeze(2) * share * settings.smoothness
        self.carrying = torch.from_numpy(CARRYING).to(device)
        self.bones = torch.nn.functional.one_hot(torch.from_numpy(BONES), NUM_BONES).T.float().to(device)
        self.measured = log_lengths.exp()
        self.log_lengths = log_lengths.clone()
        self.neck = targets[..., NECK : NECK + 1].clone()
        self.turns = aim(targets, self.limb_lengths())

    def limb_lengths(self) -> Tensor:
        """Give the lengths of the limbs, (B, 1, 49)."""
        return (self.log_lengths.exp() @ self.bones).unsqueeze(1)

    def directions(self) -> Tensor:
        """Give the limbs' directions, (3, B, T, 49) unit vectors that do not point away from the viewer."""
        return torch.nn.functional.normalize(self.turns, dim=0)

    def differentiate(self) -> None:
        """Set the gradients of turns, neck and log-lengths; written out, for autograd takes twice as long.

        The loss is, for each clip, the mean of squares of what limbs miss in the picture, by weight; of accelerations,
        by smoothness; and the sum of squares of what bones are stretched, by their weight.
        """
        lengths = self.log_lengths.exp()
        inverse = self.turns.square().sum(dim=0).rsqrt()
        scale = inverse * self.limb_lengths()
        joints = (self.turns * scale) @ self.carrying  # from the neck
        missed = (joints[:2] + (self.neck - self.targets)).mul_(self.weights)
        bent = _bend(joints).mul_(self.bent_weights)
        # The frames beside the clip count as straight; a clip of one frame would get a second one of them.
        pull = _bend(torch.nn.functional.pad(bent, (0, 0, 2, 2)))[:, :, : joints.size(2)]
        pull[:2] += missed
        # Back through the tree: a limb is pulled by all joints that it carries.
        pull = pull @ self.carrying.T
        along = (self.turns * pull).sum(dim=0)
        stretched = 2 * self.settings.length_weight * (lengths - self.measured) * lengths
        self.neck.grad = missed.sum(dim=-1, keepdim=True)
        self.log_lengths.grad = (along * scale).sum(dim=1) @ self.bones.T + stretched
        self.turns.grad = pull.addcmul_(self.turns, along * inverse.square_(), value=-1).mul_(scale)

    def run(self) -> None:
        """Search. Adam, whose rate falls to 0 along half a cosine."""
        settings = self.settings
        parameters = [self.turns, self.neck, self.log_lengths]
        # Gradients are as small as a share of a mean over all joints, of uncertain ones still smaller.
        optimizer = torch.optim.Adam(parameters, lr=settings.lr, betas=(0.9, 0.99), eps=1e-12, fused=True)
        for step in range(settings.steps):
            optimizer.param_groups[0]["lr"] = settings.lr * (1 + math.cos(math.pi * step / settings.steps)) / 2
            self.differentiate()
            optimizer.step()
            # A limb that would turn away from the viewer turns back.
            self.turns[2].abs_().neg_()


def aim(targets: Tensor, lengths: Tensor) -> Tensor:
    """Turn limbs so that, from the neck outwards, each reaches its joint in the picture, if it is long enough.

    The search starts there. A limb longer than its distance to the joint points at the viewer by as much as makes it
    look that short. One that is too short lies across the line of sight and ends on the way. Of ``targets``
    (2, B, T, 50) and ``lengths`` (B, 1, 49) come directions (3, B, T, 49), not quite of length 1, of negative depth.
    """
    reached = {NECK: targets[..., NECK]}
    directions = torch.empty(3, *targets.shape[1:3], len(LIMBS), device=targets.device)
    for number, limb in enumerate(LIMBS):
        wanted = (targets[..., limb.far] - reached[limb.near]) / lengths[..., number]
        across = wanted / torch.linalg.vector_norm(wanted, dim=0).clamp(min=1)
        reached[limb.far] = reached[limb.near] + across * lengths[..., number]
        directions[:2, ..., number] = across
        directions[2, ..., number] = -(1 - across.square().sum(dim=0)).clamp(min=_LEAST_DEPTH**2).sqrt()
    return directions


def _bend(joints: Tensor) -> Tensor:
    """Take second differences in time, (..., T, J) to (..., T - 2, J)."""
    return joints[..., 2:, :].sub(joints[..., 1:-1, :], alpha=2).add_(joints[..., :-2, :])
