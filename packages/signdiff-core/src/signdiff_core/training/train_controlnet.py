r"""Train SignDiff's ControlNet on frames of signers, with their drawings and FR maps as conditions.

accelerate launch -m signdiff_core.training.train_controlnet --pretrained_model_name_or_path BASE \
    --train_data_dir FRAMES --output_dir OUT

By default the base is locked and the ControlNet alone is trained (the paper's way, from a trained base). With
--train_unet --train_text_encoder all is trained together: the way to a small pipeline from scratch. OUT/pipeline is the
trained pipeline, of averaged weights, with its model card. --resume_from_checkpoint latest resumes a run exactly
where it was cut off. As many frames a step give the same run, however they are spread over processes and accumulated
batches.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signdiff_core.training.kit.arguments import parse, run
from signdiff_core.training.options import DIFFUSERS_ONLY, ControlNetConfig

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
    from signdiff_core.training import results
    from signdiff_core.training.kit.checkpoints import run_folder
    from signdiff_core.training.kit.run import LOSSES_NAME, check_8bit_adam

    if config.use_8bit_adam:
        check_8bit_adam()
    if config.push_to_hub:
        results.repository_of(config)
    from signdiff_core.training.controlnet_run import ControlNetRun

    with run_folder(config, ["pipeline", LOSSES_NAME]) as output:
        training = ControlNetRun(config)
        repository = results.make_repository(config) if config.push_to_hub and training.is_main else None
        loss = _train(training)
        training.accelerator.wait_for_everyone()
        if training.is_main:
            _finish(training, loss)
        training.end()
    if repository is not None:
        results.upload(output / "pipeline", repository, token=config.hub_token, steps=training.steps)
    return output / "pipeline"


def _train(training: ControlNetRun) -> float:
    """Take the steps that are left; return the running mean of the loss."""
    config, progress = training.config, training.resume()
    step, running = int(progress["step"]), float(progress.get("loss", 0))
    with training.progress(step) as bar:
        while step < training.steps:
            loss = training.optimize(step, training.loss, set_to_none=config.set_grads_to_none)
            step += 1
            training.average()
            running = loss if not running else 0.98 * running + 0.02 * loss
            bar.update()
            bar.set_postfix(loss=f"{running:.4f}", refresh=False)
            training.log(step, {"loss": loss, "lr": training.schedule.get_last_lr()[0]})
            if step % config.checkpointing_steps == 0:
                training.save(step, loss=running)
            if step % config.validation_steps == 0 and training.is_main:
                training.validate(f"{step:06d}", step=step)
    return running


def _finish(training: ControlNetRun, loss: float) -> None:
    """Validate, and save the pipeline with its card, whole or not at all."""
    from signdiff_core.training.kit.checkpoints import whole_folder
    from signdiff_core.training.results import PICTURE_NAME, write_pipeline_card

    config, output, use = training.config, training.output, training.use
    training.validate("final", step=training.steps)
    with whole_folder(output / "pipeline") as folder:
        training.pipeline().save_pretrained(folder)
        training.write_beside(folder)
        if use is not None:
            use.write(folder)
        if config.num_validation_images:
            shutil.copyfile(output / "validation" / "final.png", folder / PICTURE_NAME)
        told: dict[str, Any] = (
            {} if use is None else {"num_inference_steps": use.steps, "guidance_scale": f"{use.guidance_scale:g}"}
        )
        if config.include_face and config.conditions == "superimposed":  # whose example draws a pose
            told["include_face"] = True
        write_pipeline_card(
            folder,
            config,
            processes=training.accelerator.num_processes,
            prompt=training.held_out.frames.rows[0].text,
            use=told,
            frnet=training.mapper.parameters,
            frames=training.frames,
            optimizer_steps=training.steps,
            resolution=training.resolution,
            learning_rate=f"{training.learning_rate:g}, {config.lr_scheduler}",
            precision=training.accelerator.mixed_precision,
            loss_at_the_end=f"{loss:.5f}",
        )
    print(json.dumps({"pipeline": str(output / "pipeline"), "loss": round(loss, 5)}))


def main() -> None:
    """Train as the command line says."""
    train_controlnet(parse(ControlNetConfig, description=__doc__, elsewhere=DIFFUSERS_ONLY))


if __name__ == "__main__":
    run(main)
