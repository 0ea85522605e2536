r"""Train SignDiff's ControlNet on frames of signers, with their drawings and FR maps as conditions.

accelerate launch -m signdiff_core.training.train_controlnet --pretrained_model_name_or_path BASE \
    --train_data_dir FRAMES --output_dir OUT

By default the base is locked and the ControlNet alone is trained (the paper's way, from a trained base). With
--train_unet --train_text_encoder all is trained together: the way to a small pipeline from scratch. OUT/pipeline is the
trained pipeline, of averaged weights, with its model card. --resume_from_checkpoint latest goes on exactly where a run
was cut off. As many frames a step give the same run, however they are spread over processes and accumulated batches.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from signdiff_core.training.arguments import parse, run
from signdiff_core.training.controlnet_config import DIFFUSERS_ONLY, ControlNetConfig

if TYPE_CHECKING:
    from signdiff_core.training.controlnet_run import ControlNetRun


def train_controlnet(config: ControlNetConfig) -> Path:
    """Train a pipeline's ControlNet, and what else the configuration says.

    Args:
        config: the run's options.

    Returns:
        The folder of the trained pipeline, ``output_dir/pipeline``.

    Raises:
        OSError: base or frames cannot be read, a disk is full, or ``output_dir`` holds another run.
        ValueError: they do not fit each other.
        RuntimeError: a package is missing.
    """
    from signdiff_core.training.hub import make_repository, repository_of, upload
    from signdiff_core.training.optimizers import check_8bit_adam

    if config.use_8bit_adam:
        check_8bit_adam()
    if config.push_to_hub:
        repository_of(config)

    from signdiff_core.training.checkpoints import telling_when_full
    from signdiff_core.training.controlnet_run import ControlNetRun
    from signdiff_core.training.opening import own_folder

    resume, overwrite = config.resume_from_checkpoint, config.overwrite_output_dir
    with (
        own_folder(config.output_dir, ["pipeline"], resume=resume, overwrite=overwrite) as output,
        telling_when_full(output),
    ):
        training = ControlNetRun(config)
        main = training.accelerator.is_main_process
        repository = make_repository(config) if config.push_to_hub and main else None
        loss = _train(training)
        training.accelerator.wait_for_everyone()
        if main:
            _finish(training, loss)
        training.accelerator.end_training()
    if repository is not None:
        upload(output / "pipeline", repository, token=config.hub_token, steps=training.steps)
    return output / "pipeline"


def _train(training: ControlNetRun) -> float:
    """Take the steps that are left; return the running mean of the loss."""
    import torch
    from tqdm.auto import tqdm

    config, accelerator = training.config, training.accelerator
    step, running = training.resume()
    shown = accelerator.is_local_main_process
    bar = tqdm(initial=step, total=training.steps, disable=None if shown else True, mininterval=5)
    micro_step, total = step * config.gradient_accumulation_steps, torch.zeros((), device=accelerator.device)
    while step < training.steps:
        batch, draws = training.batch(micro_step)
        # A base may have dropout: its draws too must be those of the step, so that a resumed run repeats them.
        torch.manual_seed(config.seed + micro_step)
        with accelerator.accumulate(training.model):
            with accelerator.autocast():
                loss = training.model(batch, draws)
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(training.trained, config.max_grad_norm)
            training.optimizer.step()
            training.optimizer.zero_grad(set_to_none=config.set_grads_to_none)
        micro_step += 1
        total += loss.detach() / config.gradient_accumulation_steps
        if not accelerator.sync_gradients:
            continue
        mean = accelerator.reduce(total, reduction="mean").item()
        total.zero_()
        training.schedule.step()
        step += 1
        training.average()
        running = mean if not running else 0.98 * running + 0.02 * mean
        bar.update()
        bar.set_postfix(loss=f"{running:.4f}", refresh=False)
        accelerator.log({"loss": mean, "lr": training.schedule.get_last_lr()[0]}, step=step)
        if step % config.checkpointing_steps == 0:
            training.save(step, running)
        if step % config.validation_steps == 0 and accelerator.is_main_process:
            training.validate(f"{step:06d}", step=step)
    bar.close()
    return running


def _finish(training: ControlNetRun, loss: float) -> None:
    """Validate, and save the pipeline with its card, whole or not at all."""
    from signdiff_core.training.checkpoints import whole_folder
    from signdiff_core.training.model_card import PICTURE_NAME, Training, write_card

    config, output = training.config, training.output
    training.validate("final", step=training.steps)
    picture = output / "validation" / "final.png"
    with whole_folder(output / "pipeline") as folder:
        training.pipeline().save_pretrained(folder)
        training.write_frnet(folder)
        if training.use is not None:
            training.use.write(folder)
        if config.num_validation_images:
            shutil.copyfile(picture, folder / PICTURE_NAME)
        told = Training(
            config=config,
            processes=training.accelerator.num_processes,
            frames=training.frames,
            steps=training.steps,
            resolution=training.resolution,
            learning_rate=training.learning_rate,
            mixed_precision=training.accelerator.mixed_precision,
            loss=loss,
            prompt=training.held_out.frames.rows[0].text,
            use=training.use,
            frnet=training.mapper.parameters,
            picture=bool(config.num_validation_images),
        )
        write_card(folder, told)
    print(json.dumps({"pipeline": str(output / "pipeline"), "loss": round(loss, 5)}))


def main() -> None:
    """Train as the command line says."""
    train_controlnet(parse(ControlNetConfig, description=__doc__, elsewhere=DIFFUSERS_ONLY))


if __name__ == "__main__":
    run(main)
