"""A first guess for an autoencoder's weights, from which a short training on a CPU gets far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch import nn

if TYPE_CHECKING:
    from diffusers import AutoencoderKL

_COLOURS: Final = 3
_PAIRS: Final = _COLOURS + 1
_LEVEL: Final = 4.0
"""Value of a constant pair of channels: it keeps the scale of normalised features nearly the same for all frames."""

_LOGVAR: Final = -8.0


@torch.no_grad()
def start_as_pooling(vae: AutoencoderKL) -> None:
    """Let an autoencoder begin as average pooling to the latents, and smooth upsampling back.

    Channels 2i and 2i + 1 carry colour i and its negative past the residual blocks, which begin as nothing. Because
    silu(x) - silu(-x) = x, the last activation passes a pair on exactly. Channels beyond the pairs, and latents
    beyond the three colours, keep their random weights and learn what pooling loses.

    Args:
        vae: an untrained autoencoder with one normalisation group, no attention in its middle, at least three latent
            channels and eight channels on each level. Changed in place.

    Raises:
        ValueError: the autoencoder has another shape.
    """
    config = vae.config
    if config.norm_num_groups != 1 or config.mid_block_add_attention or config.latent_channels < _COLOURS:
        raise ValueError("vae must have one normalisation group, no attention and at least 3 latent channels.")
    if min(config.block_out_channels) < 2 * _PAIRS:
        raise ValueError(f"vae must have at least {2 * _PAIRS} channels, but has {min(config.block_out_channels)}.")
    for name, module in vae.named_modules():
        if not isinstance(module, nn.Conv2d):
            continue
        if name.endswith("conv2"):
            for parameter in _parameters(module):
                nn.init.zeros_(parameter)
        elif name.endswith("conv_shortcut"):
            _carry(module, torch.ones(1, 1))
        elif "downsamplers" in name:
            _carry(module, torch.tensor([[1.0, 1, 0], [1, 1, 0], [0, 0, 0]]) / 4)
        elif "upsamplers" in name:
            blur = torch.tensor([1.0, 2, 1]) / 4
            _carry(module, torch.outer(blur, blur))
    for convolution in (vae.encoder.conv_in, vae.decoder.conv_in):
        _spread(convolution)
    width = config.block_out_channels
    _gather(vae.encoder.conv_out, width[-1])
    _gather(vae.decoder.conv_out, width[0])
    latents = config.latent_channels
    vae.encoder.conv_out.weight[latents:] = 0
    vae.encoder.conv_out.bias[latents:] = _LOGVAR
    for convolution in (vae.quant_conv, vae.post_quant_conv):
        nn.init.dirac_(convolution.weight)
        nn.init.zeros_(convolution.bias)


def _carry(convolution: nn.Conv2d, kernel: torch.Tensor) -> None:
    """Pass the pairs through: colours with a kernel, the constant pair with its one largest tap."""
    weight, bias = _parameters(convolution)
    peak = torch.zeros_like(kernel).flatten()
    peak[int(kernel.argmax())] = 1
    # The constant pair would drown what the other channels find by chance.
    weight[:, 2 * _COLOURS : 2 * _PAIRS] = 0
    for channel in range(2 * _PAIRS):
        weight[channel] = 0
        weight[channel, channel] = kernel if channel < 2 * _COLOURS else peak.view_as(kernel)
        bias[channel] = 0


def _spread(convolution: nn.Conv2d) -> None:
    """Make the pairs out of the first three inputs, and the constant pair out of nothing."""
    weight, bias = _parameters(convolution)
    for channel in range(2 * _PAIRS):
        sign = 1 - 2 * (channel % 2)
        weight[channel] = 0
        bias[channel] = 0.0 if channel < 2 * _COLOURS else sign * _LEVEL
        if channel < 2 * _COLOURS:
            weight[channel, channel // 2, 1, 1] = sign


def _gather(convolution: nn.Conv2d, width: int) -> None:
    """Make the three outputs out of the pairs; the scale undoes the normalisation, whose size is known."""
    weight, bias = _parameters(convolution)
    deviation = (2 * _LEVEL**2 / width) ** 0.5
    for colour in range(_COLOURS):
        weight[colour] = 0
        bias[colour] = 0
        weight[colour, 2 * colour, 1, 1] = deviation
        weight[colour, 2 * colour + 1, 1, 1] = -deviation


def _parameters(convolution: nn.Conv2d) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weight and bias; every convolution of the autoencoder has both."""
    assert convolution.bias is not None  # noqa: S101
    return convolution.weight, convolution.bias
