r"""Train a back translator: from ground-truth poses to the text that they sign.

accelerate launch -m signdiff_eval.training.train_backtranslation --train_data CORPUS --output_dir OUT
accelerate launch -m signdiff_eval.training.train_backtranslation --train_data POSES --train_texts POSES.txt \
    --validation_data DEV --validation_texts DEV.txt --test_data TEST --test_texts TEST.txt --output_dir OUT

OUT/translator is the trained translator, for BackTranslator.from_pretrained and --translator; OUT/logs what tensorboard
shows. --resume_from_checkpoint latest resumes a run exactly where it was cut off. Poses that carry a generator's mark
are refused. Needs signdiff-eval[train], which brings signdiff-core.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from signdiff_core.training.kit.arguments import parse, run
from signdiff_eval.installed import need
from signdiff_eval.training.config import BackTranslationConfig

if TYPE_CHECKING:
    from signdiff_eval.training.backtranslation_run import BackTranslationRun, Ceiling

_MODULE: Final = "signdiff_eval.training.train_backtranslation"
_FOLDERS: Final = ("train_data", "train_texts", "validation_data", "validation_texts", "test_data", "test_texts")


def train_backtranslation(config: BackTranslationConfig) -> Path:
    """Train, score and save a back translator.

    Args:
        config: the run's options.

    Returns:
        The folder of the trained translator, ``output_dir/translator``. One line of ``losses.jsonl`` beside it has
        each step's loss, the mean over all tokens of all processes; ``test.tsv`` what became of each test pose.

    Raises:
        OSError: the data can't be read, or the folder can't be written or holds another run.
        ValueError: the data have another form, or carry a generator's mark.
        ModuleNotFoundError: the extra ``train`` is not installed.
    """
    tracker = () if config.report_to == "none" else (config.report_to,)
    modules = ("torch", "transformers", "safetensors", "tokenizers", "accelerate", *tracker)
    need("train", *modules, purpose="training a back translator")
    from signdiff_core.training.kit.checkpoints import run_folder
    from signdiff_core.training.kit.run import LOSSES_NAME
    from signdiff_eval.backtranslation.files import check_replaceable
    from signdiff_eval.training.backtranslation_run import BEST_NAME, BackTranslationRun

    target = Path(config.output_dir, "translator")
    check_replaceable(target)
    with run_folder(config, [target.name, LOSSES_NAME, BEST_NAME]):
        training = BackTranslationRun(config)
        step = _train(training)
        training.accelerator.wait_for_everyone()
        if training.is_main:
            _finish(training, target, step)
        training.end()
    return target


def _train(training: BackTranslationRun) -> int:
    """Take the steps that are left; the last one."""
    config, step = training.config, int(training.resume()["step"])
    with training.progress(step) as bar:
        while step < training.steps and not training.finished_early:
            loss = training.optimize(step, training.loss)
            step += 1
            bar.update()
            bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
            training.log(step, {"loss": loss, "lr": training.schedule.get_last_lr()[0]})
            if step % config.validation_steps == 0 or step == training.steps:
                scores = training.validate(step)
                if scores is not None:
                    training.log(step, {f"validation_{name}": value for name, value in asdict(scores).items()})
            if step % config.checkpointing_steps == 0:
                training.save(step)
    return step


def _finish(training: BackTranslationRun, target: Path, step: int) -> None:
    """Score the best weights, and save them."""
    from signdiff_core.training.kit.run import timed
    from signdiff_eval.atomic import replacing
    from signdiff_eval.backtranslation.files import save

    config = training.config
    training.restore_best()
    # What is scored is what is saved: weights in half precision.
    for weights in training.network.parameters():
        weights.data = weights.data.half().float()
    with timed(f"test: reads {len(training.test)} poses with {config.num_beams} beams"):
        ceiling, texts = training.read(training.test, num_beams=config.num_beams)
    training.log(step, {f"test_{name}": value for name, value in asdict(ceiling).items()})
    with replacing(training.output / "test.tsv") as temporary:
        rows = (f"{example.name}\t{example.text}\t{text}\n" for example, text in zip(training.test, texts, strict=True))
        temporary.write_text("".join(rows), encoding="utf-8")
    details = training.translation(asdict(ceiling), num_beams=config.num_beams)
    save(target, training.network, training.tokenizer, details, card=_card(training, ceiling, step))
    print(json.dumps({"step": training.best.step, **asdict(ceiling)}))


def _card(training: BackTranslationRun, ceiling: Ceiling, step: int) -> str:
    """Write the model card."""
    from signdiff_core.training.kit.card import command_line, make_card, short_name

    config, processes = training.config, training.accelerator.num_processes
    known = {example.text for example in training.train}
    return make_card(
        Path(__file__).with_name("backtranslation_card.md"),
        {
            "license": "apache-2.0",
            "tags": ["sign-language", "back-translation", "evaluation"],
            "library_name": "signdiff-eval",
        },
        name=config.name,
        parameters=f"{sum(weights.numel() for weights in training.network.parameters()):,}",
        joints=training.features.joints,
        axes=training.features.axes,
        fps=f"{training.fps:g}",
        count=len(training.test),
        frames=sum(len(example.joints) for example in training.test),
        beams=config.num_beams,
        ceiling=ceiling,
        overlap=sum(example.text in known for example in training.test),
        examples=len(training.train),
        train=short_name(config.train_data),
        left_out=training.left_out,
        trained_on=training.trained_on,
        steps=step,
        samples=config.train_batch_size * config.gradient_accumulation_steps * processes,
        validation=len(training.held_out),
        best=training.best.step,
        command=command_line(config, _MODULE, processes=processes, folders=_FOLDERS),
    )


if __name__ == "__main__":
    run(lambda: print(train_backtranslation(parse(BackTranslationConfig, description=__doc__))))
