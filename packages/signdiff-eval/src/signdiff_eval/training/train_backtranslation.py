r"""Train a back translator: from ground-truth poses to the text that they sign.

accelerate launch -m signdiff_eval.training.train_backtranslation --train_data CORPUS --output_dir OUT
accelerate launch -m signdiff_eval.training.train_backtranslation --train_data POSES --train_texts POSES.txt \
    --validation_data DEV --validation_texts DEV.txt --test_data TEST --test_texts TEST.txt --output_dir OUT

OUT/translator is the trained translator, for BackTranslator.from_pretrained and --translator; OUT/logs what tensorboard
shows. --resume_from_checkpoint latest goes on exactly where a run was cut off. Poses that carry a generator's mark are
refused. Needs signdiff-eval[backtranslation].
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from signdiff_eval.installed import need
from signdiff_eval.training.arguments import parse, run
from signdiff_eval.training.config import BackTranslationConfig

if TYPE_CHECKING:
    import torch

    from signdiff_eval.training.run_state import BackTranslationRun


def train_backtranslation(config: BackTranslationConfig) -> Path:
    """Train, score and save a back translator.

    Args:
        config: the run's options.

    Returns:
        The folder of the trained translator, ``output_dir/translator``. One line of ``losses.jsonl`` beside it tells
        each step's loss, the mean over all tokens of all processes; ``test.tsv`` what became of each test pose.

    Raises:
        OSError: the data can't be read, or the folder can't be written or holds another run.
        ValueError: the data have another form, or carry a generator's mark.
        ModuleNotFoundError: the extra ``backtranslation`` is not installed.
    """
    extra = () if config.report_to == "none" else (config.report_to,)
    modules = ("torch", "transformers", "safetensors", "tokenizers", "accelerate", *extra)
    need("backtranslation", *modules, purpose="training a back translator")
    from signdiff_eval.backtranslation.files import check_replaceable
    from signdiff_eval.training.checkpoints import telling_how_to_go_on
    from signdiff_eval.training.opening import own_folder
    from signdiff_eval.training.run_state import BackTranslationRun

    output, results = Path(config.output_dir), ["translator", "losses.jsonl", "best.safetensors"]
    check_replaceable(output / "translator")
    resume, overwrite = config.resume_from_checkpoint, config.overwrite_output_dir
    with (
        own_folder(config.output_dir, results, resume=resume, overwrite=overwrite),
        telling_how_to_go_on(output),
    ):
        return _train(BackTranslationRun(config))


def _train(training: BackTranslationRun) -> Path:
    """Take the steps that are left, and save the translator."""
    from tqdm.auto import tqdm

    config, target = training.config, training.output / "translator"
    accelerator = training.accelerator
    step = training.resume()
    bar = tqdm(initial=step, total=config.max_train_steps, disable=not accelerator.is_local_main_process, mininterval=5)
    while step < config.max_train_steps and not training.finished_early:
        loss = _optimize(training, step)
        step += 1
        bar.update()
        bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
        _log(training, {"loss": loss, "lr": training.schedule.get_last_lr()[0]}, step)
        if step % config.validation_steps == 0 or step == config.max_train_steps:
            scores = training.validate(step)
            if scores is not None:
                _log(training, {f"validation_{name}": value for name, value in scores.numbers().items()}, step)
        if step % config.checkpointing_steps == 0:
            training.save(step)
    bar.close()
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        _finish(training, target, step)
    accelerator.wait_for_everyone()
    accelerator.end_training()
    return target


def _optimize(training: BackTranslationRun, step: int) -> float:
    """Take one optimizer step; the mean loss of its tokens, over all processes."""
    config, accelerator = training.config, training.accelerator
    losses: list[torch.Tensor] = []
    training.model.train()
    for micro in range(config.gradient_accumulation_steps):
        batch = training.batch(step, micro)
        with accelerator.accumulate(training.model):
            with accelerator.autocast():
                loss = training.model(batch.features, batch.mask, batch.labels, batch.share)
            # Processes' gradients are averaged, and so are accumulated ones; their sum is wanted.
            accelerator.backward(loss * accelerator.num_processes * config.gradient_accumulation_steps)
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(training.model.parameters(), config.max_grad_norm)
            training.optimizer.step()
            training.optimizer.zero_grad(set_to_none=True)
        losses.append(loss.detach())
    training.schedule.step()
    return float(accelerator.reduce(sum(losses[1:], losses[0]), reduction="sum").item())


def _finish(training: BackTranslationRun, target: Path, step: int) -> None:
    from signdiff_eval.atomic import replacing
    from signdiff_eval.backtranslation.files import save
    from signdiff_eval.training.card import CardFacts, model_card
    from signdiff_eval.training.opening import telling

    config = training.config
    training.restore_best()
    # What is scored is what is saved: weights in half precision.
    for weights in training.network.parameters():
        weights.data = weights.data.half().float()
    with telling(training.accelerator, f"test: reads {len(training.test)} poses with {config.num_beams} beams"):
        ceiling, texts = training.read(training.test, num_beams=config.num_beams)
    _log(training, {f"test_{name}": value for name, value in ceiling.numbers().items()}, step)
    with replacing(training.output / "test.tsv") as temporary:
        rows = (f"{example.name}\t{example.text}\t{text}\n" for example, text in zip(training.test, texts, strict=True))
        temporary.write_text("".join(rows), encoding="utf-8")
    facts = CardFacts(
        parameters=sum(weights.numel() for weights in training.network.parameters()),
        ceiling=ceiling,
        train=training.train,
        test=training.test,
        validation=len(training.held_out),
        left_out=training.left_out,
        trained_on=training.trained_on,
        best=training.best.step,
        steps=step,
        processes=training.accelerator.num_processes,
        fps=training.fps,
    )
    details = training.translation(ceiling.numbers(), num_beams=config.num_beams)
    save(target, training.network, training.tokenizer, details, card=model_card(config, facts))
    print(json.dumps({"step": training.best.step, **ceiling.numbers()}))


def _log(training: BackTranslationRun, numbers: dict[str, float], step: int) -> None:
    if not training.accelerator.is_main_process:
        return
    training.accelerator.log(numbers, step=step)
    training.log.add(step, numbers)


if __name__ == "__main__":
    run(lambda: print(train_backtranslation(parse(BackTranslationConfig, description=__doc__))))
