"""SignDiff's network (paper, equation 4) as a stock ControlNetModel with six conditioning channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch
from diffusers import ControlNetModel, UNet2DConditionModel

_HINT: Final = "controlnet_cond_embedding."


def superimposed(
    source: UNet2DConditionModel | ControlNetModel,
    other: ControlNetModel | None = None,
    *,
    conditioning_embedding_out_channels: Sequence[int] | None = None,
) -> ControlNetModel:
    """Make one ControlNet for a skeleton drawing c and an FR map d.

    The network is y = F(x) + Z2(F'(x + Z1(e))) with e = W_c c + W_d d. The first convolution of ControlNet's hint
    encoder, given six channels, is that sum; its last is Z1; the rest is the one trainable copy and its zero
    convolutions. So no new class is needed, and what is saved opens in every tool that knows ControlNets.

    Args:
        source: a UNet, whose output the new ControlNet does not change at all before it is trained; or a trained
            ControlNet of three channels, to which the new one is equal while it ignores d.
        other: a second trained ControlNet with a hint encoder of the same widths, through which d enters: the hints
            of both are summed exactly. The copy (trunk) stays that of ``source``; two trained trunks cannot be merged.
        conditioning_embedding_out_channels: widths of the hint encoder of a ControlNet made from a UNet; it halves
            the image once per width but the first, and must end at the size of the latents. Default: diffusers' own.

    Returns:
        A ControlNet whose condition is (B, 6, H, W): c in RGB, then d.

    Raises:
        TypeError: ``source`` or ``other`` is of another class.
        ValueError: a ControlNet has another number of channels, reads BGR, or does not fit the other.
    """
    if isinstance(source, UNet2DConditionModel):
        if other is not None:
            raise TypeError("other must be None when source is a UNet, but is a ControlNet.")
        widths: dict[str, Any] = {}
        if conditioning_embedding_out_channels is not None:
            widths["conditioning_embedding_out_channels"] = tuple(conditioning_embedding_out_channels)
        return ControlNetModel.from_unet(source, conditioning_channels=6, **widths)
    _check(source, "source")
    if conditioning_embedding_out_channels is not None:
        raise ValueError("conditioning_embedding_out_channels must be left out when source is a ControlNet.")
    state = source.state_dict()
    channels = tuple(source.config.conditioning_embedding_out_channels)
    if other is None:
        kernel = state[_HINT + "conv_in.weight"]
        state[_HINT + "conv_in.weight"] = torch.cat([kernel, torch.zeros_like(kernel)], dim=1)
    else:
        _check(other, "other")
        if tuple(other.config.conditioning_embedding_out_channels) != channels:
            raise ValueError(
                f"other must have a hint encoder of the widths {channels}, but has "
                f"{tuple(other.config.conditioning_embedding_out_channels)}."
            )
        channels = tuple(2 * width for width in channels)
        state |= _side_by_side(source, other)
    config = {**source.config, "conditioning_channels": 6, "conditioning_embedding_out_channels": channels}
    net = ControlNetModel.from_config(config)
    net.load_state_dict(state)
    return net.to(source.device, source.dtype).train(source.training)


def _side_by_side(first: ControlNetModel, second: ControlNetModel) -> dict[str, torch.Tensor]:
    """Let two hint encoders run in one: channels of both, kernels block by block, outputs added."""
    theirs = second.controlnet_cond_embedding.state_dict()
    merged = {}
    for name, ours in first.controlnet_cond_embedding.state_dict().items():
        other = theirs[name].to(ours)
        if name == "conv_out.weight":
            value = torch.cat([ours, other], dim=1)
        elif name == "conv_out.bias":
            value = ours + other
        elif ours.ndim == 1:
            value = torch.cat([ours, other])
        else:
            value = ours.new_zeros(ours.shape[0] + other.shape[0], ours.shape[1] + other.shape[1], *ours.shape[2:])
            value[: ours.shape[0], : ours.shape[1]] = ours
            value[ours.shape[0] :, ours.shape[1] :] = other
        merged[_HINT + name] = value
    return merged


def _check(net: ControlNetModel, name: str) -> None:
    if not isinstance(net, ControlNetModel):
        raise TypeError(f"{name} must be a UNet2DConditionModel or a ControlNetModel, but is a {type(net).__name__}.")
    if net.config.conditioning_channels != 3:
        raise ValueError(f"{name} must look at 3 channels, but looks at {net.config.conditioning_channels}.")
    if net.config.controlnet_conditioning_channel_order != "rgb":
        order = net.config.controlnet_conditioning_channel_order
        raise ValueError(
            f"{name} must read its condition as rgb, but reads it as {order}: "
            "reversing six channels would swap c and d."
        )
