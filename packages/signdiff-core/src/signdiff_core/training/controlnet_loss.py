"""One forward pass of the training: noise the latents, predict, compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from diffusers import ControlNetModel, DDIMScheduler, UNet2DConditionModel
    from transformers import CLIPTextModel

    from signdiff_core.training.batches import Batch
    from signdiff_core.training.controlnet_draws import Draws


class ControlNetLoss(nn.Module):
    """The networks of a pipeline together with the diffusion loss: one call, which data parallelism can wrap.

    Args:
        text_encoder: encodes the captions.
        unet: the base.
        controlnet: of as many channels as a batch's ``control``.
        scheduler: gives the noise levels and the kind of prediction.
        scaling_factor: of the autoencoder.
        shift_factor: of the autoencoder; 0 for Stable Diffusion's.
    """

    def __init__(
        self,
        *,
        text_encoder: CLIPTextModel,
        unet: UNet2DConditionModel,
        controlnet: ControlNetModel,
        scheduler: DDIMScheduler,
        scaling_factor: float,
        shift_factor: float = 0.0,
    ) -> None:
        super().__init__()
        self.text_encoder, self.unet, self.controlnet = text_encoder, unet, controlnet
        self.scheduler, self.scaling_factor, self.shift_factor = scheduler, scaling_factor, shift_factor

    def forward(self, batch: Batch, draws: Draws) -> torch.Tensor:
        """Compute the loss of a batch.

        Args:
            batch: on the networks' device.
            draws: likewise.

        Returns:
            Scalar: mean squared error of the prediction, weighted by ``batch["weight"]``.
        """
        mean, logvar = batch["moments"].chunk(2, dim=1)
        spread = torch.exp(0.5 * logvar.clamp(-30, 20))
        clean = (mean + spread * draws["latents"] - self.shift_factor) * self.scaling_factor
        noise, timesteps = draws["noise"], draws["timesteps"]
        noisy = self.scheduler.add_noise(clean, noise, timesteps)

        text = self.text_encoder(batch["input_ids"])[0]
        down, mid = self.controlnet(noisy, timesteps, text, batch["control"], return_dict=False)
        made = self.unet(
            noisy, timesteps, text, down_block_additional_residuals=down, mid_block_additional_residual=mid
        ).sample
        target = self._target(clean, noise, timesteps)
        loss: torch.Tensor = (batch["weight"] * (made.float() - target).square()).mean()
        return loss

    def _target(self, clean: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """Return what the scheduler wants of the UNet: the noise, the clean latents, or their velocity."""
        kind = self.scheduler.config.prediction_type
        if kind == "sample":
            return clean
        if kind == "v_prediction":
            velocity: torch.Tensor = self.scheduler.get_velocity(clean, noise, timesteps)
            return velocity
        return noise
