"""A first guess for an autoencoder's weights, from which a short training on a CPU gets far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from diffusers import AutoencoderKL

Routes = list[list[tuple[int, Tensor]]]
"""For each outgoing pair of channels: the incoming pairs that it sums, each with a 3x3 (or 1x1) kernel."""

COLOURS: Final = 3
QUARTERS: Final = 4 * COLOURS
"""Latents needed to keep the four pixels of a 2x2 square apart."""

_LEVEL: Final = 12.0
"""Value of a constant pair of channels: its size outweighs all others, so that every frame is normalised alike."""

_SQUARE: Final = 0.3
"""Mean square of a frame's values in [-1, 1], roughly."""

_LOGVAR: Final = -8.0


@torch.no_grad()
def start_as_pooling(vae: AutoencoderKL) -> None:
    """Let an autoencoder begin, in place, as average pooling to the latents, and smooth upsampling back.

    Channels 2i and 2i + 1 carry a value and its negative past the residual blocks, which begin as nothing. Because
    silu(x) - silu(-x) = x, the last activation passes a pair on exactly, and a constant pair makes the normalisations
    nearly neutral. With twelve latents or more, the last halving keeps the four pixels of each square apart, in place
    of averaging them. All other channels keep their random weights and learn what is still missing. Raises ValueError
    unless the autoencoder has one normalisation group, no attention in its middle, at least three latent channels, and
    enough channels on each level.
    """
    config = vae.config
    if config.norm_num_groups != 1 or config.mid_block_add_attention or config.latent_channels < COLOURS:
        raise ValueError("vae must have one normalisation group, no attention and at least 3 latent channels.")
    widths, apart = config.block_out_channels, config.latent_channels >= QUARTERS and len(config.block_out_channels) > 1
    carried = QUARTERS if apart else COLOURS
    if min(widths) < 2 * (COLOURS + 1) or min(widths[-2:]) < 2 * (carried + 1):
        raise ValueError(f"vae must have at least 8 channels, 26 on its two coarsest levels, but has {widths}.")

    for name, module in vae.named_modules():
        if isinstance(module, nn.Conv2d) and name.endswith("conv2"):
            for parameter in module.parameters():
                nn.init.zeros_(parameter)
    encoder, decoder = vae.encoder, vae.decoder
    _spread(encoder.conv_in, COLOURS)
    for level, block in enumerate(encoder.down_blocks):
        pairs = carried if level == len(widths) - 1 else COLOURS
        _pass_on(block.resnets, pairs)
        if block.downsamplers is not None:
            last = apart and level == len(widths) - 2
            _connect(block.downsamplers[0].conv, _taken_apart() if last else _each(COLOURS, _pooling()))
    _neutral(encoder.conv_norm_out, carried)
    _gather(encoder.conv_out, carried)
    encoder.conv_out.weight[config.latent_channels :] = 0
    encoder.conv_out.bias[config.latent_channels :] = _LOGVAR

    _spread(decoder.conv_in, carried)
    for level, block in enumerate(decoder.up_blocks):
        _pass_on(block.resnets, carried if level == 0 else COLOURS)
        if block.upsamplers is not None:
            first = apart and level == 0
            _connect(block.upsamplers[0].conv, _put_together() if first else _each(COLOURS, _blur()))
    _neutral(decoder.conv_norm_out, COLOURS)
    _gather(decoder.conv_out, COLOURS)
    for middle in (encoder.mid_block, decoder.mid_block):
        _pass_on(middle.resnets, carried)
    for convolution in (vae.quant_conv, vae.post_quant_conv):
        nn.init.dirac_(convolution.weight)
        nn.init.zeros_(convolution.bias)


def _pooling() -> Tensor:
    """Average a 2x2 square: the autoencoder's halving sees it in the upper left of its kernel."""
    return torch.tensor([[1.0, 1, 0], [1, 1, 0], [0, 0, 0]]) / 4


def _blur() -> Tensor:
    line = torch.tensor([1.0, 2, 1]) / 4
    return torch.outer(line, line)


def _each(pairs: int, kernel: Tensor) -> Routes:
    return [[(pair, kernel)] for pair in range(pairs)]


def _taken_apart() -> Routes:
    """Give each pixel of a 2x2 square a pair of its own: colour by colour, row by row."""
    routes: Routes = []
    for colour in range(COLOURS):
        for row in range(2):
            for column in range(2):
                kernel = torch.zeros(3, 3)
                kernel[row, column] = 1
                routes.append([(colour, kernel)])
    return routes


def _put_together() -> Routes:
    """Undo `_taken_apart` after nearest-neighbour upsampling, up to a blur.

    A convolution does not know in which pixel of a square it is, but its left tap reaches the square before only from
    the left pixel. With (0, 1, 1) / 4 for left pixels and (1, 1, 0) / 4 for right ones, the sum is the true line
    filtered with (1, 2, 1) / 4, whichever pixel it is.
    """
    sides = (torch.tensor([0.0, 1, 1]) / 4, torch.tensor([1.0, 1, 0]) / 4)
    return [
        [
            (4 * colour + 2 * row + column, torch.outer(sides[row], sides[column]))
            for row in range(2)
            for column in range(2)
        ]
        for colour in range(COLOURS)
    ]


def _pass_on(resnets: nn.ModuleList, pairs: int) -> None:
    for resnet in resnets:
        if isinstance(resnet.norm1, nn.GroupNorm):
            _neutral(resnet.norm1, pairs)
        if isinstance(resnet.conv_shortcut, nn.Conv2d):
            _connect(resnet.conv_shortcut, _each(pairs, torch.ones(1, 1)))


def _connect(convolution: nn.Conv2d, routes: Routes) -> None:
    """Wire pairs to pairs; behind the last pair on either side comes the constant one."""
    weight, bias = _parameters(convolution)
    incoming = 1 + max(pair for sources in routes for pair, _ in sources)
    middle = torch.zeros(weight.shape[2:])
    middle[tuple(side // 2 for side in middle.shape)] = 1
    if convolution.stride[0] > 1:
        middle = torch.zeros(weight.shape[2:])
        middle[0, 0] = 1
    # The constant pair would drown what the other channels find by chance.
    weight[:, 2 * incoming : 2 * incoming + 2] = 0
    for target, sources in enumerate([*routes, [(incoming, middle)]]):
        for sign in range(2):
            weight[2 * target + sign] = 0
            bias[2 * target + sign] = 0
            for source, kernel in sources:
                weight[2 * target + sign, 2 * source + sign] = kernel


def _spread(convolution: nn.Conv2d, inputs: int) -> None:
    """Make the pairs out of the first inputs, and the constant pair out of nothing."""
    weight, bias = _parameters(convolution)
    for pair in range(inputs + 1):
        for channel, sign in ((2 * pair, 1.0), (2 * pair + 1, -1.0)):
            weight[channel] = 0
            bias[channel] = sign * _LEVEL if pair == inputs else 0
            if pair < inputs:
                weight[channel, pair, 1, 1] = sign


def _neutral(norm: nn.GroupNorm, pairs: int) -> None:
    """Let a normalisation give back what it is given, but for the constant pair, which it scales down to 1."""
    deviation = (2 * (_LEVEL**2 + pairs * _SQUARE) / norm.num_channels) ** 0.5
    norm.weight[:] = deviation
    norm.weight[2 * pairs : 2 * pairs + 2] = deviation / _LEVEL


def _gather(convolution: nn.Conv2d, outputs: int) -> None:
    """Make the outputs out of the pairs."""
    weight, bias = _parameters(convolution)
    for output in range(outputs):
        weight[output] = 0
        bias[output] = 0
        weight[output, 2 * output, 1, 1] = 1
        weight[output, 2 * output + 1, 1, 1] = -1


def _parameters(convolution: nn.Conv2d) -> tuple[Tensor, Tensor]:
    assert convolution.bias is not None  # noqa: S101
    return convolution.weight, convolution.bias
