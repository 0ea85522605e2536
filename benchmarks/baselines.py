"""What a renderer must beat, and what it cannot: nearest and mean training frames; the autoencoder there and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from signdiff_core.skeleton import BODY, LEFT_HAND, RIGHT_HAND

if TYPE_CHECKING:
    from collections.abc import Callable

    from diffusers import AutoencoderKL
    from numpy.typing import NDArray

    from signdiff_core.prepare.reader import FrameFolder

    Frame = NDArray[np.uint8]


def mean_frame(train: FrameFolder, size: int, *, every: int = 1) -> Frame:
    """Take the mean of the training frames, or of every so many."""
    total, indices = np.zeros((size, size, 3)), range(0, len(train), every)
    for index in indices:
        total += train.image(index, size)
    return np.asarray(np.rint(total / len(indices)), dtype=np.uint8)


def nearest_frame(train: FrameFolder, size: int) -> Callable[[NDArray[np.float32]], Frame]:
    """Find the training frame whose joints are nearest to those that are given."""
    gallery = np.stack([_features(train.joints(index)) for index in range(len(train))])

    def find(joints: NDArray[np.float32]) -> Frame:
        return train.image(int(np.square(gallery - _features(joints)).sum(axis=1).argmin()), size)

    return find


def _features(joints: NDArray[np.float32]) -> NDArray[np.float64]:
    """Body and hands with equal weight; hands also relative to their wrists, which is their shape."""
    hands = [joints[hand] - joints[hand.start] for hand in (LEFT_HAND, RIGHT_HAND)]
    parts = [joints[BODY], joints[LEFT_HAND], joints[RIGHT_HAND], *hands]
    return np.concatenate([(part[:, :2] / np.sqrt(len(part))).ravel() for part in parts]).astype(np.float64)


@torch.inference_mode()
def latents_of(vae: AutoencoderKL, frames: NDArray[np.uint8]) -> torch.Tensor:
    """Encode frames, (N, H, W, 3)."""
    pixels = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).to(vae.dtype)
    return vae.encode(pixels / 127.5 - 1).latent_dist.mode()


@torch.inference_mode()
def reconstruction(vae: AutoencoderKL, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Send frames, (N, H, W, 3), through the autoencoder: no latent diffusion model can do better."""
    made = vae.decode(latents_of(vae, frames)).sample.float()
    return np.asarray(np.rint(((made + 1) * 127.5).clamp(0, 255).permute(0, 2, 3, 1).numpy()), dtype=np.uint8)
