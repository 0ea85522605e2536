"""The training of an autoencoder as a run: crops of frames, the loss, and what comes of it.

More crops are around hands than chance would give. Crops, and the noise of their latents, are a function of the seed
and the sample's number in the run, over all processes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch
from diffusers import AutoencoderKL
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from torch import Tensor, nn
from torch.nn import functional

from signdiff_core.prepare.reader import Frames, open_frames
from signdiff_core.training.kit.batches import batch_indices, spread
from signdiff_core.training.kit.run import TrainingRun
from signdiff_core.training.kit.state import RunState
from signdiff_core.training.networks import read_weights
from signdiff_core.training.options import VAEConfig
from signdiff_core.training.regions import crop_around, hand_boxes


class VAERun(TrainingRun[VAEConfig]):
    """Everything that a training run holds.

    Raises OSError where frames or base cannot be read, ValueError where they have another form.
    """

    def __init__(self, config: VAEConfig) -> None:
        super().__init__(config)
        self.frames = open_frames(config.train_data_dir)
        self.vae = read_weights(AutoencoderKL, config.pretrained_model_name_or_path, "vae").train()
        self.factor = 2 ** (len(self.vae.config.block_out_channels) - 1)
        optimizer = torch.optim.AdamW(
            self.vae.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=1e-4
        )
        self.begin(
            VAELoss(self.vae, gradient_weight=config.gradient_weight, kl_weight=config.kl_weight),
            optimizer,
            steps=config.max_train_steps,
            schedule="cosine",
            warmup_steps=config.lr_warmup_steps,
            batch=config.train_batch_size,
            samples=f"crops of {config.crop_sizes[0]} pixels",
            tracker="train_vae",
        )
        self.state = RunState(
            parts={"vae": self.vae},
            optimizer=self.optimizer,
            scaler=self.accelerator.scaler,
            extras={"log": self.losses},
            data=self.frames.fingerprint().hex(),
            settings=self.deciding("resolution", "crop_sizes", "hand_crop_probability", "gradient_weight", "kl_weight"),
        )

    def loss(self, micro_step: int) -> Tensor:
        """Compute the loss of a forward pass."""
        rank, world, device = self.accelerator.process_index, self.accelerator.num_processes, self.accelerator.device
        truth = crop_batch(self.frames, self.config, step=micro_step, rank=rank, world=world).to(device)
        latents = (len(truth), self.vae.config.latent_channels, *(side // self.factor for side in truth.shape[2:]))
        noise = latent_noise(latents, seed=self.config.seed, step=micro_step, rank=rank).to(device)
        loss: Tensor = self.model(truth, noise)
        return loss

    def scaled(self) -> AutoencoderKL:
        """Scale the latents to unit deviation, as Stable Diffusion's are; the autoencoder, for inference."""
        vae = self.vae.eval()
        with torch.inference_mode():
            chosen = [_pixels(self.frames, index, self.config).to(vae.device) for index in self._spread(self.frames)]
            latents = torch.cat([vae.encode(pixels).latent_dist.mode() for pixels in chosen])
        vae.register_to_config(scaling_factor=float(1 / latents.std()))
        return vae

    def measure(self) -> dict[str, float]:
        """Measure on whole frames and hands: mean PSNR in dB, and milliseconds to decode a frame."""
        frames = open_frames(self.config.validation_data_dir) if self.config.validation_data_dir else self.frames
        whole, hands, seconds = [], [], []
        for index in self._spread(frames):
            truth = _pixels(frames, index, self.config).to(self.vae.device)
            with torch.inference_mode():
                latent = self.vae.encode(truth).latent_dist.mode()
                start = time.perf_counter()
                error = (self.vae.decode(latent).sample.clamp(-1, 1) - truth).square() / 4
                seconds.append(time.perf_counter() - start)
            whole.append(-10 * error.mean().log10().item())
            for left, top, right, bottom in hand_boxes(frames.joints(index), self.config.resolution):
                hands.append(-10 * error[..., top:bottom, left:right].mean().log10().item())
        return {"psnr": _mean(whole), "psnr_hands": _mean(hands), "decode_ms": 1000 * _mean(seconds)}

    def _spread(self, frames: Frames) -> list[int]:
        return spread(len(frames), self.config.num_validation_images)


class VAELoss(nn.Module):
    """An autoencoder together with its loss: one forward call, which data parallelism can wrap."""

    def __init__(self, vae: AutoencoderKL, *, gradient_weight: float, kl_weight: float) -> None:
        super().__init__()
        self.vae, self.gradient_weight, self.kl_weight = vae, gradient_weight, kl_weight

    def forward(self, truth: Tensor, noise: Tensor) -> Tensor:
        """Encode frames (B, 3, H, W) in [-1, 1], sample with standard normal noise (B, C, h, w), and compare."""
        posterior = self.vae.encode(truth).latent_dist
        made = self.vae.decode(posterior.mean + posterior.std * noise).sample
        pixels = reconstruction_loss(made.float(), truth, gradient_weight=self.gradient_weight)
        loss: Tensor = pixels + self.kl_weight * kl_loss(posterior)
        return loss


def reconstruction_loss(made: Tensor, truth: Tensor, *, gradient_weight: float) -> Tensor:
    """Mean absolute error of pixels, and of differences between neighbours, which keep edges sharp.

    Both are (B, 3, H, W) in [-1, 1].

    Example:
        >>> from torch import zeros
        >>> flat = zeros(1, 3, 4, 4)
        >>> reconstruction_loss(flat + 0.5, flat, gradient_weight=1.0).item()
        0.5
    """
    error = made - truth
    across = error.diff(dim=-1).abs().mean()
    down = error.diff(dim=-2).abs().mean()
    return functional.l1_loss(made, truth) + gradient_weight * (across + down)


def kl_loss(posterior: DiagonalGaussianDistribution) -> Tensor:
    """KL divergence of the posterior from a standard normal, averaged over the latent's values; scalar."""
    mean, logvar = posterior.mean, posterior.logvar
    divergence: Tensor = 0.5 * (mean.square() + logvar.exp() - 1.0 - logvar).mean()
    return divergence


def crop_batch(frames: Frames, config: VAEConfig, *, step: int, rank: int, world: int) -> Tensor:
    """Cut the crops of a step, (B, 3, S, S) float32 in [-1, 1]; S is the same in all processes."""
    side = int(np.random.default_rng([config.seed, step]).choice(config.crop_sizes))
    count = max(1, round(config.train_batch_size * (config.crop_sizes[0] / side) ** 2))
    batch = step * world + rank
    indices = batch_indices(seed=config.seed, batch=batch, batch_size=count, length=len(frames))
    crops = [
        _crop(frames, index, side, config, np.random.default_rng([config.seed, number, side]))
        for number, index in enumerate(indices, batch * count)
    ]
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 127.5 - 1


def latent_noise(shape: Sequence[int], *, seed: int, step: int, rank: int) -> Tensor:
    """Draw standard normal noise (B, C, h, w) for a step, on the CPU: a GPU would draw other numbers."""
    numbers = range(rank * shape[0], (rank + 1) * shape[0])
    noise = [np.random.default_rng([seed, step, number, 1]) for number in numbers]
    return torch.from_numpy(np.stack([rng.standard_normal(shape[1:], dtype=np.float32) for rng in noise]))


def _crop(
    frames: Frames, index: int, side: int, config: VAEConfig, rng: np.random.Generator
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    size = config.resolution
    boxes = hand_boxes(frames.joints(index), size)
    if boxes and rng.random() < config.hand_crop_probability:
        left, top, right, bottom = boxes[rng.integers(len(boxes))]
        jitter = (float(rng.uniform(-0.3, 0.3)), float(rng.uniform(-0.3, 0.3)))
        x, y = crop_around(((left + right) / 2, (top + bottom) / 2), side, size, jitter=jitter)
    else:
        x, y = (int(value) for value in rng.integers(0, size - side + 1, size=2))
    return frames.image(index, size)[y : y + side, x : x + side]


def _pixels(frames: Frames, index: int, config: VAEConfig) -> Tensor:
    return torch.from_numpy(frames.image(index, config.resolution)).permute(2, 0, 1)[None].float() / 127.5 - 1


def _mean(values: list[float]) -> float:
    return sum(values) / max(1, len(values))
