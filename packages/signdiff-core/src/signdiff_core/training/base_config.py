"""Options of an untrained base."""

from __future__ import annotations

from dataclasses import dataclass

from signdiff_core.training.kit.arguments import option


@dataclass(frozen=True, kw_only=True)
class BaseConfig:
    """The shapes of the base's parts.

    Raises:
        ValueError: the autoencoder has no level, or ``resolution`` does not fit its levels.
    """

    train_data_dir: str = option(help="Frames with metadata.jsonl; the tokenizer learns the words of its captions.")
    output_dir: str = option(help="Folder to make.")
    resolution: int = option(256, help="Side of the frames in pixels.")
    latent_channels: int = option(12, help="Channels of a latent; 12 keep pixels of half the frame's resolution apart.")
    vae_channels: tuple[int, ...] = option((16, 32, 64), help="Autoencoder: channels of each level, finest first.")
    unet_channels: tuple[int, ...] = option((32, 64, 96, 160), help="UNet: channels of each level, finest first.")
    attention_levels: int = option(1, help="UNet: how many of the coarsest levels attend to themselves and the text.")
    attention_head_dim: int = option(4, help="UNet: number of heads, under the name that diffusers gives it.")
    norm_num_groups: int = option(4, help="UNet: groups of the group normalisations.")
    vae_norm_num_groups: int = option(1, help="Autoencoder: groups; with 1 it starts as average pooling.")
    text_width: int = option(128, help="Text encoder: width, a multiple of 64.")
    text_layers: int = option(2, help="Text encoder: layers.")
    text_length: int = option(32, help="Text encoder: tokens at most.")
    seed: int = option(0, help="Seed of the initial weights.")

    def __post_init__(self) -> None:
        if not self.vae_channels:
            raise ValueError("vae_channels must name at least one level, but is empty.")
        if self.text_width % 64:
            raise ValueError(f"text_width must be a multiple of 64, but is {self.text_width}.")
        unit = self.factor * 2 ** (len(self.unet_channels) - 1)
        if self.resolution % unit:
            raise ValueError(f"resolution must be a multiple of {unit}, but is {self.resolution}.")

    @property
    def factor(self) -> int:
        """Pixels per latent, along each side."""
        return int(2 ** (len(self.vae_channels) - 1))
