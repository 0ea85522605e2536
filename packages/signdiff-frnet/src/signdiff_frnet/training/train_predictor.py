r"""Train the predictor of FR maps: from the OpenPose drawing of a pose, and a reference map, to the map of its frame.

accelerate launch -m signdiff_frnet.training.train_predictor --train_data_dir FRAMES --validation_data_dir HELD_OUT \
    --output_dir OUT

OUT/predictor is the trained predictor, for FRNetPredictor.from_pretrained; OUT/validation holds pictures (drawing,
chances, reference, chances with it, true map), OUT/logs what tensorboard shows. --resume_from_checkpoint latest
resumes a run exactly where it was cut off. Needs signdiff-frnet[train], which brings signdiff-core.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from signdiff_core.training.kit.arguments import parse, run
from signdiff_frnet.training.config import PredictorTrainingConfig

if TYPE_CHECKING:
    from signdiff_frnet.training.predictor_run import PredictorRun


def train_predictor(config: PredictorTrainingConfig) -> Path:
    """Train, score and save a predictor.

    Args:
        config: the run's options.

    Returns:
        The folder of the trained predictor, ``output_dir/predictor``. One line of ``losses.jsonl`` beside it has
        each step's loss, the mean over all samples of all processes.

    Raises:
        OSError: the data can't be read, or the folder can't be written or holds another run.
        ValueError: the data have another form.
        LookupError: the data need a plug-in that is not installed.
    """
    from signdiff_core.training.kit.checkpoints import run_folder
    from signdiff_core.training.kit.run import LOSSES_NAME
    from signdiff_frnet.training.predictor_run import PredictorRun
    from signdiff_frnet.training.save import check_replaceable

    target = Path(config.output_dir, "predictor")
    check_replaceable(target)
    with run_folder(config, [target.name, LOSSES_NAME]):
        training = PredictorRun(config)
        _train(training)
        training.accelerator.wait_for_everyone()
        if training.is_main:
            _finish(training, target)
        training.end()
    return target


def _train(training: PredictorRun) -> None:
    """Take the steps that are left."""
    config, step = training.config, int(training.resume()["step"])
    with training.progress(step) as bar:
        while step < training.steps:
            loss = training.optimize(step, training.loss)
            step += 1
            bar.update()
            bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
            training.log(step, {"loss": loss, "lr": training.schedule.get_last_lr()[0]})
            if step % config.validation_steps == 0 and step < training.steps and training.is_main:
                training.log(step, training.validate(f"{step:06d}").numbers())
            if step % config.checkpointing_steps == 0:
                training.save(step)


def _finish(training: PredictorRun, target: Path) -> None:
    """Score and save."""
    from signdiff_frnet.training.save import save_predictor

    scores = training.validate("final")
    training.log(training.steps, scores.numbers())
    save_predictor(target, training.network, training.config, scores, processes=training.accelerator.num_processes)
    print(json.dumps(scores.numbers()))


if __name__ == "__main__":
    run(lambda: print(train_predictor(parse(PredictorTrainingConfig, description=__doc__))))
