"""The ControlNet that a training run starts from, and which of a batch's channels it looks at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel

from signdiff_core.diffusion.folder import read_frnet
from signdiff_core.diffusion.superposition import superimposed
from signdiff_core.training.base_parts import read_weights

if TYPE_CHECKING:
    from signdiff_core.diffusion.frmap import FRMapper
    from signdiff_core.training.controlnet_config import ControlNetConfig

CHANNELS: Final = {"superimposed": slice(0, 6), "openpose": slice(0, 3), "frnet": slice(3, 6)}
"""By conditions: which of the six channels of a batch's ``control``, c then d, the ControlNet looks at."""

_STABLE_DIFFUSION: Final = (16, 32, 96, 256)


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
