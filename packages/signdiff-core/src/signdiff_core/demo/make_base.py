"""Make an untrained, small, Stable-Diffusion-shaped base: tokenizer, text encoder, UNet, autoencoder, scheduler.

python -m signdiff_core.demo.make_base --train_data_dir FRAMES --output_dir BASE
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from signdiff_core.training.kit.arguments import option, parse, run

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer


_WORD = re.compile(r"[a-z]+|[0-9]|[^\sa-z0-9]+")
"""CLIP splits text into runs of letters, single digits, and runs of other signs."""


@dataclass(frozen=True, kw_only=True)
class BaseConfig:
    """The shapes of the base's parts; ValueError for an autoencoder without levels or a size that does not fit."""

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


def make_base(config: BaseConfig) -> Path:
    """Make and save the parts, each in the subfolder that diffusers gives it, and give the folder.

    Raises OSError where the frames cannot be read, or the folder has content already.
    """
    import torch
    from transformers import CLIPTokenizer

    from signdiff_core.atomic import replacing
    from signdiff_core.demo.vae_start import start_as_pooling
    from signdiff_core.prepare.reader import open_frames

    captions = [row.text for row in open_frames(config.train_data_dir).rows]
    torch.manual_seed(config.seed)
    with replacing(config.output_dir, folder=True) as folder:
        write_vocabulary(folder, learn_merges(captions))
        vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
        tokenizer = CLIPTokenizer(str(vocabulary), str(merges), model_max_length=config.text_length)
        vocabulary.unlink()
        merges.unlink()
        tokenizer.save_pretrained(folder / "tokenizer")
        make_text_encoder(config, tokenizer).save_pretrained(folder / "text_encoder")
        vae = make_vae(config)
        if config.vae_norm_num_groups == 1:
            start_as_pooling(vae)
        vae.save_pretrained(folder / "vae")
        make_unet(config).save_pretrained(folder / "unet")
        make_scheduler().save_pretrained(folder / "scheduler")
    return Path(config.output_dir)


def make_vae(config: BaseConfig) -> AutoencoderKL:
    """Make an untrained autoencoder without attention, so that it works on crops of any size."""
    from diffusers import AutoencoderKL

    levels = len(config.vae_channels)
    return AutoencoderKL(
        block_out_channels=config.vae_channels,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        latent_channels=config.latent_channels,
        layers_per_block=1,
        norm_num_groups=config.vae_norm_num_groups,
        mid_block_add_attention=False,
        sample_size=config.resolution,
    )


def make_unet(config: BaseConfig) -> UNet2DConditionModel:
    """Make an untrained UNet that attends at its coarsest levels only.

    The pooled caption joins the time embedding, which scales and shifts the features of every block: colours of clothes
    and background then reach all resolutions at no cost, where attention would be dear.
    """
    from diffusers import UNet2DConditionModel

    plain = len(config.unet_channels) - config.attention_levels
    return UNet2DConditionModel(
        sample_size=config.resolution // config.factor,
        in_channels=config.latent_channels,
        out_channels=config.latent_channels,
        block_out_channels=config.unet_channels,
        down_block_types=("DownBlock2D",) * plain + ("CrossAttnDownBlock2D",) * config.attention_levels,
        up_block_types=("CrossAttnUpBlock2D",) * config.attention_levels + ("UpBlock2D",) * plain,
        layers_per_block=1,
        cross_attention_dim=config.text_width,
        attention_head_dim=config.attention_head_dim,
        norm_num_groups=config.norm_num_groups,
        addition_embed_type="text",
        resnet_time_scale_shift="scale_shift",
    )


def make_text_encoder(config: BaseConfig, tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """Make an untrained CLIP text encoder for the tokenizer."""
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.text_width,
            intermediate_size=4 * config.text_width,
            num_hidden_layers=config.text_layers,
            num_attention_heads=4,
            max_position_embeddings=config.text_length,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def make_scheduler() -> DDIMScheduler:
    """Make the scheduler: from pure noise, predicting the clean latents, so that one step already predicts a frame.

    The conditions tell nearly all of a frame. A narrow UNet that predicts noise or velocity spends its channels on
    copying the noise, and what it copies badly stays in the frame as grain.

    Source: Lin et al., "Common Diffusion Noise Schedules and Sample Steps are Flawed" (WACV 2024).
    """
    from diffusers import DDIMScheduler

    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
        prediction_type="sample",
        timestep_spacing="trailing",
        rescale_betas_zero_snr=True,
    )


def learn_merges(captions: Iterable[str], *, limit: int = 2000) -> list[tuple[str, str]]:
    """Learn at most `limit` byte-pair merges until every word of the captions, in lower case, is one token.

    Example:
        >>> learn_merges(["no no on"])
        [('n', 'o</w>'), ('o', 'n</w>')]
    """
    counts = Counter(word for caption in captions for word in _WORD.findall(caption.lower()) if word.isascii())
    words = {word: [*word[:-1], f"{word[-1]}</w>"] for word in counts}
    merges: list[tuple[str, str]] = []
    while len(merges) < limit:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, symbols in words.items():
            for pair in pairwise(symbols):
                pairs[pair] += counts[word]
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        words = {word: _merged(symbols, best) for word, symbols in words.items()}
    return merges


def write_vocabulary(folder: Path, merges: list[tuple[str, str]]) -> None:
    """Write ``vocab.json`` and ``merges.txt``, which ``CLIPTokenizer`` reads, to a folder that is there."""
    symbols = _byte_symbols()
    vocabulary = [*symbols, *(f"{symbol}</w>" for symbol in symbols), *("".join(pair) for pair in merges)]
    vocabulary = [*dict.fromkeys(vocabulary), "<|startoftext|>", "<|endoftext|>"]
    table = {token: index for index, token in enumerate(vocabulary)}
    (folder / "vocab.json").write_text(json.dumps(table, ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _merged(symbols: list[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    for symbol in symbols:
        if merged and (merged[-1], symbol) == pair:
            merged[-1] += symbol
        else:
            merged.append(symbol)
    return merged


def _byte_symbols() -> list[str]:
    """List the printable characters that stand for the 256 bytes, as in GPT-2's and CLIP's tokenizers."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(others))]


if __name__ == "__main__":
    run(lambda: print(make_base(parse(BaseConfig, description=__doc__))))
