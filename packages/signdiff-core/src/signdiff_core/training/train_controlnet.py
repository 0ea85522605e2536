r"""Train SignDiff's ControlNet on frames of signers, with their drawings and FR maps as conditions.

accelerate launch -m signdiff_core.training.train_controlnet --pretrained_model_name_or_path BASE \
    --train_data_dir FRAMES --output_dir OUT

By default the base is locked and the ControlNet alone is trained (the paper's way, from a trained base). With
--train_unet --train_text_encoder all is trained together: the way to a small pipeline from scratch. OUT/pipeline is the
trained pipeline, of averaged weights. --resume_from_checkpoint latest goes on exactly where a run was cut off.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signdiff_core.training.arguments import parse, run
from signdiff_core.training.controlnet_config import ControlNetConfig

if TYPE_CHECKING:
    from signdiff_core.training.controlnet_run import ControlNetRun


def train_controlnet(config: ControlNetConfig) -> Path:
    """Train a pipeline's ControlNet, and what else the configuration says.

    Args:
        config: the run's options.

    Returns:
        The folder of the trained pipeline, ``output_dir/pipeline``.

    Raises:
        OSError: base or frames cannot be read.
        ValueError: they do not fit each other.
    """
    import torch
    from tqdm.auto import tqdm

    from signdiff_core.training.controlnet_run import ControlNetRun

    training = ControlNetRun(config)
    accelerator, output = training.accelerator, Path(config.output_dir)
    step = training.resume()
    bar = tqdm(initial=step, total=config.max_train_steps, disable=not accelerator.is_local_main_process, mininterval=5)
    micro_step, running = step * config.gradient_accumulation_steps, 0.0
    while step < config.max_train_steps:
        batch = training.batch(micro_step)
        # All randomness of a forward pass comes from its number, so that a resumed run repeats the interrupted one.
        number = micro_step * accelerator.num_processes + accelerator.process_index
        generator = torch.Generator(accelerator.device).manual_seed(config.seed + number * 1_000_003)
        with accelerator.accumulate(training.model):
            with accelerator.autocast():
                loss = training.model(batch, generator, proportion_last_timestep=config.proportion_last_timestep)
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(training.trained, config.max_grad_norm)
            training.optimizer.step()
            training.schedule.step()
            training.optimizer.zero_grad(set_to_none=True)
        micro_step += 1
        if not accelerator.sync_gradients:
            continue
        step += 1
        training.average()
        running = loss.item() if not running else 0.98 * running + 0.02 * loss.item()
        bar.update()
        bar.set_postfix(loss=f"{running:.4f}", refresh=False)
        accelerator.log({"loss": loss.item(), "lr": training.schedule.get_last_lr()[0]}, step=step)
        if step % config.checkpointing_steps == 0:
            training.save(step)
        if config.num_validation_images and step % config.validation_steps == 0 and accelerator.is_main_process:
            training.validate(output / "validation" / f"{step:06d}.png")
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        _finish(training, output, running)
    accelerator.end_training()
    return output / "pipeline"


def _finish(training: ControlNetRun, output: Path, loss: float) -> None:
    pipeline = training.pipeline()
    pipeline.save_pretrained(output / "pipeline")
    settings: dict[str, Any] = training.mapper.parameters
    (output / "pipeline" / training.frnet_name).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    if training.config.num_validation_images:
        training.validate(output / "validation" / "final.png")
    print(json.dumps({"loss": round(loss, 5)}))


if __name__ == "__main__":
    run(lambda: print(train_controlnet(parse(ControlNetConfig, description=__doc__))))
