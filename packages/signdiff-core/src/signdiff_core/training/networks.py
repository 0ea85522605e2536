"""The networks of the trainings: read from a base, started, locked, and the loss of the ControlNet's.

A base is a folder or a name on the hub, like Stable Diffusion's. Of weights, only safetensors are read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, TypeVar

import torch
from diffusers import AutoencoderKL, ConfigMixin, ControlNetModel, DDIMScheduler, DDPMScheduler, UNet2DConditionModel
from safetensors import SafetensorError
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from signdiff_core.diffusion.adapters import fetch
from signdiff_core.diffusion.folder import read_frnet
from signdiff_core.diffusion.frmap import FRMapper
from signdiff_core.diffusion.superposition import superimposed
from signdiff_core.training.controlnet_data import CHANNELS, Batch, Draws
from signdiff_core.training.options import ControlNetConfig
from signdiff_core.trust import check_model_folder
from signdiff_core.wording import one_line

Part = TypeVar("Part")

_PARTS: Final = ("tokenizer", "text_encoder", "unet", "vae", "scheduler")
_STABLE_DIFFUSION: Final = (16, 32, 96, 256)


class BaseParts:
    """Reads a base's parts as they are asked for; ValueError for a file, or a folder without these parts."""

    def __init__(self, config: ControlNetConfig) -> None:
        self.config, self.name = config, config.pretrained_model_name_or_path
        given = {"tokenizer": config.tokenizer_name, "vae": config.vae_model_name_or_path}
        path = Path(self.name)
        if path.is_file():
            raise ValueError(
                f"pretrained_model_name_or_path must be a folder or a hub name, but {path} is a file: save it as a "
                "folder with StableDiffusionPipeline.from_single_file(...).save_pretrained(...)."
            )
        missing = [part for part in _PARTS if not given.get(part) and not (path / part).is_dir()]
        if path.is_dir() and missing:
            raise ValueError(f"pretrained_model_name_or_path must hold {', '.join(_PARTS)}, but lacks {missing[0]}.")

    def tokenizer(self) -> CLIPTokenizer:
        """Read the tokenizer."""
        if self.config.tokenizer_name:
            folder = checked(self.config.tokenizer_name, option="tokenizer_name", cache_dir=self.config.cache_dir)
            return CLIPTokenizer.from_pretrained(folder)
        return CLIPTokenizer.from_pretrained(self._folder("tokenizer"))

    def text_encoder(self) -> CLIPTextModel:
        """Read the text encoder."""
        return self._part(CLIPTextModel, "text_encoder")

    def unet(self) -> UNet2DConditionModel:
        """Read the UNet."""
        return self._part(UNet2DConditionModel, "unet")

    def vae(self) -> AutoencoderKL:
        """Read the autoencoder."""
        if self.config.vae_model_name_or_path:
            return read_weights(
                AutoencoderKL,
                self.config.vae_model_name_or_path,
                option="vae_model_name_or_path",
                cache_dir=self.config.cache_dir,
            )
        return self._part(AutoencoderKL, "vae")

    def scheduler(self) -> DDPMScheduler:
        """Read the noise levels, and what is predicted."""
        found: DDPMScheduler = DDPMScheduler.from_config(DDIMScheduler.load_config(self._folder("scheduler")))
        return found

    def _part(self, kind: Any, subfolder: str) -> Any:
        return read_weights(kind, self.name, subfolder, variant=self.config.variant, **self._hub())

    def _folder(self, subfolder: str) -> Path:
        return checked(self.name, subfolder, **self._hub())

    def _hub(self) -> dict[str, Any]:
        return {"revision": self.config.revision, "cache_dir": self.config.cache_dir}


def read_weights(
    kind: type[Part], name: str, subfolder: str = "", *, variant: str | None = None, **options: Any
) -> Part:
    """Read a network of a class from safetensors in a folder or of a hub name; options are those of `checked`.

    Raises OSError where it is not there, ValueError where it is damaged or holds more than data.
    """
    folder = checked(name, subfolder, variant=variant, **options)
    try:
        network: Part = kind.from_pretrained(  # type: ignore[attr-defined]
            folder, use_safetensors=True, variant=variant
        )
    except SafetensorError as error:
        raise ValueError(f"{folder} must hold whole weights, but they are damaged: {one_line(error)}.") from error
    if isinstance(network, ConfigMixin):
        # What is saved tells no one's folders.
        network.register_to_config(_name_or_path=Path(name).resolve().name if Path(name).exists() else name)
    return network


def checked(name: str, subfolder: str = "", *, option: str = "pretrained_model_name_or_path", **options: Any) -> Path:
    """Find a part's folder, of the Hub in its cache, and make sure that reading it runs nothing.

    `option` is what gave the name, others are the Hub's. Raises OSError where it is not there,
    `signdiff_core.trust.ModelFolderError` where it holds what is not safe, or not whole.
    """
    root = Path(name)
    if not root.is_dir():
        try:
            root = fetch(name, subfolder, **{key: value for key, value in options.items() if value is not None})
        except (OSError, ValueError) as error:
            must = (
                f"{option} must be a folder, or a name of the hub that can be reached or is kept here, but is {name!r}"
            )
            raise OSError(f"{must}: {one_line(error)}") from error
    folder = root / subfolder
    if not folder.is_dir():
        raise OSError(f"{name} must hold the folder {subfolder}, but does not.")
    check_model_folder(folder, root=root)
    return folder


def make_networks(
    config: ControlNetConfig, base: BaseParts, vae: AutoencoderKL, *, mixed_precision: str
) -> ControlNetLoss:
    """Load the base, start the ControlNet, and lock what is not trained (in "fp16" or "bf16", if asked).

    Raises OSError where base or ControlNet cannot be read, ValueError where they do not fit each other.
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
    """Give the side, in pixels, of a base's frames; ValueError where they are not square."""
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

    The ControlNet takes as many channels as a batch's ``control``; the autoencoder's shift factor is 0 for Stable
    Diffusion's.
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
        """Mean squared error of the prediction for a batch on the device, weighted by ``batch["weight"]``."""
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

    diffusers' own default where it fits, as for Stable Diffusion; else 8, doubled from level to level.
    """
    levels = len(vae.config.block_out_channels)
    return _STABLE_DIFFUSION if levels == len(_STABLE_DIFFUSION) else tuple(8 * 2**level for level in range(levels))


def start_controlnet(config: ControlNetConfig, unet: UNet2DConditionModel, vae: AutoencoderKL) -> ControlNetModel:
    """Make the ControlNet out of the base, or out of one or two that exist, as the configuration says.

    Raises OSError where a ControlNet is not there, ValueError where it does not fit the conditions, the base, or the
    other.
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
    """Raise ValueError if FR maps are drawn otherwise than those that base or ControlNet say they learned."""
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
    net = read_weights(ControlNetModel, value, option=name, cache_dir=config.cache_dir)
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
