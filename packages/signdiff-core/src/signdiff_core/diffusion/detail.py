"""The network that draws hands and faces sharply: a coarse crop goes in, and what is to be seen there.

It is no diffusion model: one pass adds to the enlarged crop of a rendered frame what its size could not hold. It learns
from pairs of such crops and true ones (`signdiff_core.training.train_detail`), and lies in the folder of its pipeline.
"""

from __future__ import annotations

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn
from torch.nn import functional


class DetailModel(ModelMixin, ConfigMixin):
    """A U-Net over pixels that are folded two by two.

    Args:
        conditions: images beside the coarse crop, of three channels each: the drawing, and the FR map where there is
            one.
        block_out_channels: channels from the finest level to the coarsest.
        scale: how much larger frames are than those of the pipeline.
        sample_size: side of the frames in pixels from which it learned, in which hands have a certain size.

    Raises:
        ValueError: a number is not positive, or channels are no multiples of 8.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        conditions: int = 2,
        block_out_channels: tuple[int, ...] = (48, 64, 96, 128),
        scale: int = 2,
        sample_size: int = 512,
    ) -> None:
        super().__init__()
        widths = tuple(block_out_channels)
        if min(conditions, scale, sample_size) < 1 or not widths or any(width < 8 or width % 8 for width in widths):
            raise ValueError(
                "conditions, scale and sample_size must be positive, and block_out_channels multiples of 8, but are "
                f"{conditions}, {scale}, {sample_size} and {widths}."
            )
        channels = 3 * (1 + conditions) * _FOLD**2
        self.conv_in = nn.Conv2d(channels, widths[0], 3, padding=1)
        self.conv_out = nn.Conv2d(widths[0], 3 * _FOLD**2, 3, padding=1)
        down = zip((widths[0], *widths), widths, strict=False)
        self.down_blocks = nn.ModuleList([_Block(near, far) for near, far in down])
        up = zip(widths[-2::-1], widths[:0:-1], strict=True)
        self.up_blocks = nn.ModuleList([_Block(near + far, near) for near, far in up])
        for weights in self.conv_out.parameters():  # at first, nothing is added
            nn.init.zeros_(weights)

    @property
    def step(self) -> int:
        """Sides of crops are multiples of this, and so are their places: what is drawn moves along with them."""
        return int(_FOLD * 2 ** (len(self.down_blocks) - 1))

    def forward(self, sample: torch.Tensor, control: torch.Tensor) -> torch.Tensor:
        """Draw crops.

        Args:
            sample: (B, 3, H, W) coarse crops, enlarged, in [-1, 1]; sides are multiples of `step`.
            control: (B, 3 C, H, W) drawings and FR maps at the crops' scale, in [0, 1].

        Returns:
            (B, 3, H, W), about in [-1, 1].
        """
        hidden = self.conv_in(functional.pixel_unshuffle(torch.cat([sample, control * 2 - 1], dim=1), _FOLD))
        skips = []
        for number, block in enumerate(self.down_blocks):
            hidden = block(functional.avg_pool2d(hidden, 2) if number else hidden)
            skips.append(hidden)
        for block, skip in zip(self.up_blocks, skips[-2::-1], strict=True):
            larger = functional.interpolate(hidden, scale_factor=2.0, mode="nearest")
            hidden = block(torch.cat([larger, skip], dim=1))
        added: torch.Tensor = functional.pixel_shuffle(self.conv_out(hidden), _FOLD)
        return sample + added


_FOLD = 2
"""Pixels of a side that are folded into channels."""


class _Block(nn.Module):
    """Two convolutions around which the input goes."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out_channels, 3, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.scale = nn.Parameter(torch.ones(out_channels, 1, 1))
        self.around = nn.Conv2d(channels, out_channels, 1) if channels != out_channels else nn.Identity()

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        new = self.conv1(functional.silu(hidden))
        # Each place is normalised by itself: what is drawn does not depend on how much around it is seen.
        new = new * torch.rsqrt(new.square().mean(dim=1, keepdim=True) + 1e-5) * self.scale
        new = self.conv2(functional.silu(new))
        result: torch.Tensor = self.around(hidden) + new
        return result
