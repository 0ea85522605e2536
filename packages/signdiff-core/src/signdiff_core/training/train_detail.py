r"""Train the network that draws hands and face of a pipeline's frames sharply, at a larger scale.

accelerate launch -m signdiff_core.training.train_detail --pretrained_model_name_or_path PIPELINE \
    --train_data_dir FRAMES --output_dir OUT

FRAMES are larger than the pipeline's own: of each, the pipeline renders what it makes of its drawing and FR map, once,
and keeps that beside FRAMES. OUT/detail_model is the network. --resume_from_checkpoint latest resumes a run exactly
where it was cut off.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from signdiff_core.training.kit.arguments import parse, run
from signdiff_core.training.options import DetailConfig

if TYPE_CHECKING:
    from signdiff_core.training.detail_run import DetailRun


def train_detail(config: DetailConfig) -> Path:
    """Train, measure and save a network of detail: ``output_dir/detail_model``, beside ``measured.json``.

    Raises OSError where frames or pipeline cannot be read, or ``output_dir`` holds another run, ValueError where they
    do not fit each other.
    """
    from signdiff_core.training.detail_run import DetailRun
    from signdiff_core.training.kit.checkpoints import run_folder
    from signdiff_core.training.kit.run import LOSSES_NAME

    with run_folder(config, ["detail_model", LOSSES_NAME]) as output:
        training = DetailRun(config)
        _train(training)
        training.accelerator.wait_for_everyone()
        if training.is_main:
            _finish(training)
        training.end()
    return output / "detail_model"


def _train(training: DetailRun) -> None:
    """Take the steps that are left."""
    config, step = training.config, int(training.resume()["step"])
    with training.progress(step) as bar:
        while step < training.steps:
            loss = training.optimize(step, training.loss)
            step += 1
            training.averages.step(training.trained)
            bar.update()
            bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
            training.log(step, {"loss": loss, "lr": training.schedule.get_last_lr()[0]})
            if step % config.checkpointing_steps == 0:
                training.save(step)


def _finish(training: DetailRun) -> None:
    """Save the network of averaged weights, and measure it."""
    from signdiff_core.atomic import replacing
    from signdiff_core.training.kit.checkpoints import whole_folder
    from signdiff_core.training.kit.run import timed

    network = training.averaged()
    with whole_folder(training.output / "detail_model") as folder:
        network.save_pretrained(folder)
    with timed(f"measures {training.config.num_validation_images} frames at most"):
        measured = training.measure(network)
    with replacing(training.output / "measured.json") as temporary:
        temporary.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(measured))


if __name__ == "__main__":
    run(lambda: print(train_detail(parse(DetailConfig, description=__doc__))))
