"""Disturbs what the decoder reads in training, so that it learns to recover from its own errors."""

from __future__ import annotations

import torch
from torch import Tensor


def add_noise(frames: Tensor, *, pose_noise: Tensor | float, counter_noise: float) -> Tensor:
    """Add Gaussian noise to the decoder's input: the paper's GN.

    Args:
        frames: (N, T, D + 1) standardised poses and counters.
        pose_noise: standard deviation on the standardised values, one for all or (D,).
        counter_noise: standard deviation on the counter.

    Returns:
        (N, T, D + 1). Without noise, ``frames`` itself.
    """
    if isinstance(pose_noise, float) and pose_noise <= 0.0 and counter_noise <= 0.0:
        return frames
    scale = torch.empty(frames.shape[-1], dtype=frames.dtype, device=frames.device)
    scale[:-1], scale[-1] = pose_noise, counter_noise
    return frames + scale * torch.randn_like(frames)
