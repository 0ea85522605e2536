r"""Train the predictor of FR maps: from the OpenPose drawing of a pose, and a reference map, to the map of its frame.

accelerate launch -m signdiff_frnet.training.train_predictor --train_data_dir FRAMES --validation_data_dir HELD_OUT \
    --output_dir OUT

OUT/predictor is the trained predictor, for FRNetPredictor.from_pretrained; OUT/validation holds pictures (drawing,
chances, reference, chances with it, true map), OUT/logs what tensorboard shows. --resume_from_checkpoint latest goes on
exactly where a run was cut off. Needs signdiff-frnet[train], which brings signdiff-core.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from signdiff_frnet.training.arguments import parse, run
from signdiff_frnet.training.config import PredictorTrainingConfig

if TYPE_CHECKING:
    import torch

    from signdiff_frnet.training.run_state import PredictorRun


def train_predictor(config: PredictorTrainingConfig) -> Path:
    """Train, score and save a predictor.

    Args:
        config: the run's options.

    Returns:
        The folder of the trained predictor, ``output_dir/predictor``. One line of ``losses.jsonl`` beside it tells
        each step's loss, the mean over all samples of all processes.

    Raises:
        OSError: the data can't be read, or the folder can't be written or holds another run.
        ValueError: the data have another form.
        ImportError: the data need something that is not installed.
    """
    from signdiff_core.training.opening import own_folder
    from signdiff_frnet.training.checkpoints import telling_how_to_go_on
    from signdiff_frnet.training.run_state import PredictorRun
    from signdiff_frnet.training.save import check_replaceable

    output, results = Path(config.output_dir), ["predictor", "losses.jsonl"]
    check_replaceable(output / "predictor")
    resume, overwrite = config.resume_from_checkpoint, config.overwrite_output_dir
    with (
        own_folder(config.output_dir, results, resume=resume, overwrite=overwrite),
        telling_how_to_go_on(output),
    ):
        return _train(PredictorRun(config))


def _train(training: PredictorRun) -> Path:
    """Take the steps that are left, and save the predictor."""
    from tqdm.auto import tqdm

    from signdiff_frnet.training.save import save_predictor

    config, target = training.config, training.output / "predictor"
    accelerator = training.accelerator
    step = training.resume()
    bar = tqdm(initial=step, total=config.max_train_steps, disable=not accelerator.is_local_main_process, mininterval=5)
    micro_step = step * config.gradient_accumulation_steps
    while step < config.max_train_steps:
        loss = _optimize(training, micro_step)
        micro_step += config.gradient_accumulation_steps
        step += 1
        bar.update()
        bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
        _log(training, {"loss": loss, "lr": training.schedule.get_last_lr()[0]}, step)
        if step % config.validation_steps == 0 and step < config.max_train_steps and accelerator.is_main_process:
            _log(training, training.validate(f"{step:06d}").numbers(), step)
        if step % config.checkpointing_steps == 0:
            training.save(step)
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        scores = training.validate("final")
        _log(training, scores.numbers(), step)
        save_predictor(target, training.network, config, scores, processes=accelerator.num_processes)
        print(json.dumps(scores.numbers()))
    training.close()
    return target


def _optimize(training: PredictorRun, micro_step: int) -> float:
    """Take one optimizer step; the mean loss of its samples, over all processes."""
    config, accelerator = training.config, training.accelerator
    losses: list[torch.Tensor] = []
    for number in range(config.gradient_accumulation_steps):
        batch = training.batch(micro_step + number)
        with accelerator.accumulate(training.model):
            with accelerator.autocast():
                loss = training.model(*batch)
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(training.model.parameters(), config.max_grad_norm)
            training.optimizer.step()
            training.optimizer.zero_grad(set_to_none=True)
        losses.append(loss.detach())
    training.schedule.step()
    mean = accelerator.reduce(sum(losses[1:], losses[0]) / len(losses), reduction="mean")
    return float(mean.item())


def _log(training: PredictorRun, numbers: dict[str, float], step: int) -> None:
    if not training.accelerator.is_main_process:
        return
    training.accelerator.log(numbers, step=step)
    training.log.add(step, numbers)


if __name__ == "__main__":
    run(lambda: print(train_predictor(parse(PredictorTrainingConfig, description=__doc__))))
