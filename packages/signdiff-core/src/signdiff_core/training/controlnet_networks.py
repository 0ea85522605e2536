"""The networks of a training run: what is trained, what is locked, and in which precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from transformers import CLIPTextModel

from signdiff_core.training.controlnet_loss import ControlNetLoss
from signdiff_core.training.controlnet_start import start_controlnet

if TYPE_CHECKING:
    from diffusers import AutoencoderKL

    from signdiff_core.training.base_parts import BaseParts
    from signdiff_core.training.controlnet_config import ControlNetConfig


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
