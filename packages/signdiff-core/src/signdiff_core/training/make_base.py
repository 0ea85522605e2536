"""Make an untrained, small, Stable-Diffusion-shaped base: tokenizer, text encoder, UNet, autoencoder, scheduler.

python -m signdiff_core.training.make_base --train_data_dir FRAMES --output_dir BASE
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from signdiff_core.training.base_config import BaseConfig
from signdiff_core.training.kit.arguments import parse, run

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer


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


def make_base(config: BaseConfig) -> Path:
    """Make and save the parts, each in the subfolder that diffusers gives it.

    Args:
        config: shapes and paths.

    Returns:
        The folder.

    Raises:
        OSError: the frames cannot be read, or the folder has content already.
    """
    import torch
    from transformers import CLIPTokenizer

    from signdiff_core.atomic import replacing
    from signdiff_core.training.bpe import learn_merges, write_vocabulary
    from signdiff_core.training.frames import open_frames
    from signdiff_core.training.vae_start import start_as_pooling

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


if __name__ == "__main__":
    run(lambda: print(make_base(parse(BaseConfig, description=__doc__))))
