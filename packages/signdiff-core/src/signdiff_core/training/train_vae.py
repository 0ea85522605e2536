r"""Train the autoencoder of a small pipeline on frames of signers.

accelerate launch -m signdiff_core.training.train_vae --pretrained_model_name_or_path BASE --train_data_dir FRAMES \
    --output_dir OUT

The result, OUT/vae, takes the place of the base's folder vae.
"""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signdiff_core.atomic import replacing
from signdiff_core.training.arguments import parse, run
from signdiff_core.training.checkpoints import whole_folder
from signdiff_core.training.vae_config import VAEConfig

if TYPE_CHECKING:
    from diffusers import AutoencoderKL

    from signdiff_core.training.frames import Frames


def train_vae(config: VAEConfig) -> Path:
    """Train, measure and save an autoencoder.

    Args:
        config: the run's options.

    Returns:
        The folder of the trained autoencoder, ``output_dir/vae``, beside ``measured.json``.

    Raises:
        OSError: frames or base cannot be read, or ``output_dir`` holds another run.
        ValueError: the frames have another form.
    """
    from signdiff_core.training.opening import own_folder

    resume, overwrite = config.resume_from_checkpoint, config.overwrite_output_dir
    with own_folder(config.output_dir, ["vae"], resume=resume, overwrite=overwrite) as output:
        return _train(config, output)


def _train(config: VAEConfig, output: Path) -> Path:
    import torch
    from accelerate import Accelerator
    from accelerate.utils import set_seed
    from diffusers import AutoencoderKL
    from tqdm.auto import tqdm

    from signdiff_core.training.base_parts import read_weights
    from signdiff_core.training.checkpoints import clean_up, find_checkpoint, save_checkpoint, telling_when_full
    from signdiff_core.training.frames import open_frames
    from signdiff_core.training.opening import check_precision, tell_start, telling
    from signdiff_core.training.optimizers import make_schedule
    from signdiff_core.training.run_state import RunState
    from signdiff_core.training.vae_data import crop_batch, latent_noise
    from signdiff_core.training.vae_loss import VAELoss

    accelerator = Accelerator(mixed_precision=config.mixed_precision)
    check_precision(accelerator)
    set_seed(config.seed)
    frames = open_frames(config.train_data_dir)
    vae = read_weights(AutoencoderKL, config.pretrained_model_name_or_path, "vae").train()
    optimizer = torch.optim.AdamW(vae.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=1e-4)
    world, factor = accelerator.num_processes, 2 ** (len(vae.config.block_out_channels) - 1)
    network = VAELoss(vae, gradient_weight=config.gradient_weight, kl_weight=config.kl_weight)
    model, prepared = accelerator.prepare(network, optimizer)
    tell_start(
        accelerator,
        samples=f"crops of {config.crop_sizes[0]} pixels",
        batch=config.train_batch_size,
        accumulated=1,
        steps=config.max_train_steps,
        trained=vae.parameters(),
        output=output,
    )
    state = RunState(parts={"vae": vae}, optimizer=prepared, scaler=accelerator.scaler, data=frames.fingerprint().hex())
    if accelerator.is_main_process:
        clean_up(output)

    step = 0
    if config.resume_from_checkpoint and (checkpoint := find_checkpoint(config.resume_from_checkpoint, output)):
        step = int(state.read(checkpoint)["step"])
    schedule = make_schedule(
        optimizer, "cosine", warmup_steps=config.lr_warmup_steps, steps=config.max_train_steps, step=step
    )
    bar = tqdm(initial=step, total=config.max_train_steps, disable=not accelerator.is_local_main_process, mininterval=5)
    while step < config.max_train_steps:
        rank = accelerator.process_index
        truth = crop_batch(frames, config, step=step, rank=rank, world=world).to(accelerator.device)
        latents = (len(truth), vae.config.latent_channels, truth.shape[2] // factor, truth.shape[3] // factor)
        noise = latent_noise(latents, seed=config.seed, step=step, rank=rank).to(accelerator.device)
        with accelerator.autocast():
            loss = model(truth, noise)
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(model.parameters(), config.max_grad_norm)
        prepared.step()
        schedule.step()
        prepared.zero_grad(set_to_none=True)
        step += 1
        bar.update()
        bar.set_postfix(loss=f"{loss.item():.4f}", refresh=False)
        if step % config.checkpointing_steps == 0:
            with telling_when_full(output):
                save_checkpoint(
                    accelerator, output, step, partial(state.write, step=step), keep=config.checkpoints_total_limit
                )
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        held_out = open_frames(config.validation_data_dir) if config.validation_data_dir else frames
        count = min(config.num_validation_images, len(held_out))
        with telling(accelerator, f"scales the latents, and measures {count} frames"):
            _finish(accelerator.unwrap_model(model).vae.eval(), frames, held_out, config)
    accelerator.end_training()
    return output / "vae"


def _finish(vae: AutoencoderKL, frames: Frames, held_out: Frames, config: VAEConfig) -> None:
    """Scale the latents to unit deviation, as Stable Diffusion's are, measure, and save."""
    latents = _encode(vae, frames, config)
    vae.register_to_config(scaling_factor=float(1 / latents.std()))
    output = Path(config.output_dir)
    with whole_folder(output / "vae") as folder:
        vae.save_pretrained(folder)
    measured = {"scaling_factor": vae.config.scaling_factor, **_measure(vae, held_out, config)}
    with replacing(output / "measured.json") as temporary:
        temporary.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(measured))


def _spread(frames: Frames, config: VAEConfig) -> list[int]:
    count = min(config.num_validation_images, len(frames))
    return [index * len(frames) // count for index in range(count)]


def _pixels(frames: Frames, index: int, config: VAEConfig) -> Any:
    import torch

    return torch.from_numpy(frames.image(index, config.resolution)).permute(2, 0, 1)[None].float() / 127.5 - 1


def _encode(vae: AutoencoderKL, frames: Frames, config: VAEConfig) -> Any:
    import torch

    with torch.inference_mode():
        chosen = [_pixels(frames, index, config).to(vae.device) for index in _spread(frames, config)]
        return torch.cat([vae.encode(pixels).latent_dist.mode() for pixels in chosen])


def _measure(vae: AutoencoderKL, frames: Frames, config: VAEConfig) -> dict[str, float]:
    """Measure the reconstruction of whole frames and of hands: mean PSNR in dB, and milliseconds to decode a frame."""
    import torch

    from signdiff_core.training.regions import hand_boxes

    whole, hands, seconds = [], [], []
    for index in _spread(frames, config):
        truth = _pixels(frames, index, config).to(vae.device)
        with torch.inference_mode():
            latent = vae.encode(truth).latent_dist.mode()
            start = time.perf_counter()
            error = (vae.decode(latent).sample.clamp(-1, 1) - truth).square() / 4
            seconds.append(time.perf_counter() - start)
        whole.append(-10 * error.mean().log10().item())
        for left, top, right, bottom in hand_boxes(frames.joints(index), config.resolution):
            hands.append(-10 * error[..., top:bottom, left:right].mean().log10().item())
    return {"psnr": _mean(whole), "psnr_hands": _mean(hands), "decode_ms": 1000 * _mean(seconds)}


def _mean(values: list[float]) -> float:
    return sum(values) / max(1, len(values))


if __name__ == "__main__":
    run(lambda: print(train_vae(parse(VAEConfig, description=__doc__))))
