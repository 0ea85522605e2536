"""The networks of the ControlNet's training: what they start from, what is locked, and their loss."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import torch
from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextModel

from signdiff_core.diffusion.folder import read_frnet
from signdiff_core.diffusion.frmap import FRMapper
from signdiff_core.diffusion.superposition import superimposed
from signdiff_core.training.base_parts import BaseParts, read_weights
from signdiff_core.training.controlnet_data import CHANNELS, Batch, Draws
from signdiff_core.training.options import ControlNetConfig

_STABLE_DIFFUSION: Final = (16, 32, 96, 256)


def make_networks(
    config: ControlNetConfig, base: BaseParts, vae: AutoencoderKL, *, mixed_precision: str
) -> ControlNetLoss:
    """Load the base, start the ControlNet, and lock what is not trained.

    Args:
        config: the run's options.
        base: where the base's parts are.
        vae: its autoencoder.
        mixed_precision: accelerate's: with "fp16" or "bf16", locked parts are held in it.

    Raises:
        OSError: base or ControlNet cannot be read.
        ValueError: they do not fit each other.
    """
    text_encoder, unet = base.text_encoder(), base.unet()
    controlnet = start_controlnet(config, unet, vae)
    text_encoder.train(config.train_text_encoder).requires_grad_(config.train_text_encoder)
    unet.train(config.train_unet).requires_grad_(config.train_unet)
    controlnet.train().requires_grad_(True)
    if config.gradient_checkpointing:
        controlnet.enable_gradient_checkpointing()
        if config.train_unet:
            unet.enable_gradient_checkpointing()
        if config.train_text_encoder:
            text_encoder.gradient_checkpointing_enable()
    half = {"fp16": torch.float16, "bf16": torch.bfloat16}.get(mixed_precision)
    for part, trained in ((text_encoder, config.train_text_encoder), (unet, config.train_unet)):
        if half and not trained:
            part.to(half)
    networks = ControlNetLoss(
        text_encoder=text_encoder,
        unet=unet,
        controlnet=controlnet,
        scheduler=base.scheduler(),
        scaling_factor=vae.config.scaling_factor,
        shift_factor=vae.config.shift_factor or 0.0,
    )
    networks.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return networks


def own_resolution(unet: Any, vae: Any) -> int:
    """Give the side, in pixels, of the frames that a base was made for.

    Raises:
        ValueError: they are not square.
    """
    size = unet.config.sample_size
    if not isinstance(size, int):
        raise ValueError(f"resolution must be given, since the base's sample_size is {size}.")
    return int(size * 2 ** (len(vae.config.block_out_channels) - 1))


def copied(part: Any) -> Any:
    """Copy a network, for inference; the copy is on the CPU."""
    twin = type(part)(part.config) if isinstance(part, CLIPTextModel) else type(part).from_config(part.config)
    twin.load_state_dict(part.state_dict())
    return twin.eval().requires_grad_(False)


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


def default_hint_channels(vae: AutoencoderKL) -> tuple[int, ...]:
    """Choose the widths of a hint encoder that halves frames as often as an autoencoder does.

    Args:
        vae: of the base.

    Returns:
        diffusers' own default where it fits, as for Stable Diffusion; else 8, doubled from level to level.
    """
    levels = len(vae.config.block_out_channels)
    return _STABLE_DIFFUSION if levels == len(_STABLE_DIFFUSION) else tuple(8 * 2**level for level in range(levels))


def start_controlnet(config: ControlNetConfig, unet: UNet2DConditionModel, vae: AutoencoderKL) -> ControlNetModel:
    """Make the ControlNet out of the base, or out of one or two that exist.

    Args:
        config: says which.
        unet: of the base.
        vae: likewise.

    Raises:
        OSError: a ControlNet is not there.
        ValueError: it does not fit the conditions, the base, or the other.
    """
    channels = CHANNELS[config.conditions].stop - CHANNELS[config.conditions].start
    if config.controlnet_model_name_or_path is None:
        widths = config.conditioning_embedding_out_channels or default_hint_channels(vae)
        net: ControlNetModel = ControlNetModel.from_unet(
            unet, conditioning_channels=channels, conditioning_embedding_out_channels=widths
        )
        _check_hint(net, vae, "conditioning_embedding_out_channels")
        return net
    if config.conditioning_embedding_out_channels is not None:
        raise ValueError(
            "conditioning_embedding_out_channels must be left out with controlnet_model_name_or_path, but is "
            f"{config.conditioning_embedding_out_channels}."
        )
    source = _read(config, "controlnet_model_name_or_path", unet, vae)
    known = int(source.config.conditioning_channels)
    other = None
    if config.fr_controlnet_model_name_or_path is not None:
        other = _read(config, "fr_controlnet_model_name_or_path", unet, vae)
        if known != 3 or other.config.conditioning_channels != 3:
            raise ValueError(
                "controlnet_model_name_or_path and fr_controlnet_model_name_or_path must both look at 3 channels, but "
                f"look at {known} and {other.config.conditioning_channels}."
            )
    if known == channels:
        return source
    if channels == 6 and known == 3:
        return superimposed(source, other)
    raise ValueError(
        f"controlnet_model_name_or_path must look at {'3 or 6' if channels == 6 else 3} channels for the conditions "
        f"{config.conditions}, but looks at {known}."
    )


def check_maps(config: ControlNetConfig, mapper: FRMapper) -> None:
    """Make sure that FR maps are drawn as those on which base and ControlNet were trained, where these say so.

    Args:
        config: names them.
        mapper: draws the maps.

    Raises:
        ValueError: the settings differ.
    """
    if config.conditions == "openpose":
        return
    names = (config.controlnet_model_name_or_path, config.fr_controlnet_model_name_or_path)
    folders = [Path(config.pretrained_model_name_or_path), *(Path(name).parent for name in names if name)]
    for folder in folders:
        if (expected := read_frnet(folder)) is not None:
            try:
                mapper.check(expected)
            except ValueError as error:
                raise ValueError(f"{folder}: {error}") from error


def _read(config: ControlNetConfig, name: str, unet: UNet2DConditionModel, vae: AutoencoderKL) -> ControlNetModel:
    value = getattr(config, name)
    net = read_weights(ControlNetModel, value, cache_dir=config.cache_dir)
    for key in ("in_channels", "block_out_channels", "cross_attention_dim"):
        own, wanted = _listed(net.config[key]), _listed(unet.config[key])
        if own != wanted:
            raise ValueError(f"{name} must fit the base, whose {key} is {wanted}, but has {own}.")
    _check_hint(net, vae, name)
    return net


def _check_hint(net: ControlNetModel, vae: AutoencoderKL, name: str) -> None:
    halvings = len(net.config.conditioning_embedding_out_channels) - 1
    levels = len(vae.config.block_out_channels) - 1
    if halvings != levels:
        raise ValueError(
            f"{name} must have {levels + 1} values, one more than the autoencoder halves a frame, but has "
            f"{halvings + 1}."
            if name == "conditioning_embedding_out_channels"
            else f"{name} must halve frames {levels} times as the autoencoder does, but halves them {halvings} times."
        )


def _listed(value: Any) -> Any:
    return json.loads(json.dumps(value))
