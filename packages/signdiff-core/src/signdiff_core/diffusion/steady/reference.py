"""A picture of the signer as the anchor: it is noised as far as the frames are, and they attend to it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import torch
from diffusers.hooks import ModelHook

from signdiff_core.diffusion.hooks import hooked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image
    from torch import nn

    from signdiff_core.diffusion.pipeline import SignDiffPipeline

_NAME: Final = "signdiff_uncontrolled"


class Reference:
    """Keeps the first row of a batch on the way from noise to a given picture.

    Args:
        pipeline: encodes the picture, and its scheduler says how noisy each step is.
        picture: of the signer.
        height: of the frames in pixels.
        width: likewise.
    """

    def __init__(self, pipeline: SignDiffPipeline, picture: Image.Image, height: int, width: int) -> None:
        self.scheduler, vae = pipeline.scheduler, pipeline.vae
        pixels = pipeline.image_processor.preprocess(picture, height=height, width=width)
        encoded = vae.encode(pixels.to(pipeline._execution_device, vae.dtype))
        latents = encoded.latent_dist.mode() if hasattr(encoded, "latent_dist") else encoded.latents
        self.clean: torch.Tensor = latents * vae.config.scaling_factor
        self.noise = torch.zeros_like(self.clean)

    def begin(self, latents: torch.Tensor) -> None:
        """Take the noise of the first row."""
        self.noise = latents[:1]

    def __call__(self, step: int, latents: torch.Tensor) -> torch.Tensor:
        """Put the picture, noised for the next step, into the first row."""
        timesteps = self.scheduler.timesteps
        row = self.clean.to(latents.dtype)
        if step + 1 < len(timesteps):
            row = self.scheduler.add_noise(row, self.noise.to(latents.dtype), timesteps[step + 1].reshape(1))
        return torch.cat([row.to(latents.dtype), latents[1:]])


class UncontrolledRow(ModelHook):
    """Takes a ControlNet's say away from the first frame of a batch, whose pose nobody knows."""

    def __init__(self) -> None:
        super().__init__()
        self.frames = 1

    def post_forward(self, module: nn.Module, output: Any) -> Any:
        """Set the first frame's residuals to 0, with guidance in both halves of the batch."""
        down, mid = output
        if down is None:
            return output
        return [self._without(residual) for residual in down], self._without(mid)

    def _without(self, residual: torch.Tensor) -> torch.Tensor:
        rows = torch.arange(len(residual), device=residual.device) % self.frames > 0
        return residual * rows.view(-1, 1, 1, 1).to(residual.dtype)


@contextmanager
def first_row_uncontrolled(controlnet: nn.Module) -> Iterator[UncontrolledRow]:
    """Use `UncontrolledRow` inside a block; set its ``frames`` before the batch."""
    hook = UncontrolledRow()
    with hooked(controlnet, hook, _NAME):
        yield hook
