"""The state of a training run: data, network, optimizer, best weights so far; saved and restored as one."""

from __future__ import annotations

import fnmatch
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import ProjectConfiguration, set_seed
from safetensors.torch import load_file, save

from signdiff_eval.atomic import replacing
from signdiff_eval.backtranslation.features import PoseFeatures
from signdiff_eval.backtranslation.files import Translation
from signdiff_eval.backtranslation.network import make_config, make_network, train_tokenizer
from signdiff_eval.backtranslation.translator import BackTranslator
from signdiff_eval.training.batches import Batch, Batches
from signdiff_eval.training.checkpoints import (
    clean_up,
    find_checkpoint,
    load_checkpoint,
    save_checkpoint,
    step_of,
)
from signdiff_eval.training.examples import Example, read_examples, training_hash
from signdiff_eval.training.log import Log
from signdiff_eval.training.loss import BackTranslationLoss
from signdiff_eval.training.opening import check_precision, tell_start, telling
from signdiff_eval.training.scores import Ceiling, score_texts

if TYPE_CHECKING:
    from signdiff_eval.training.config import BackTranslationConfig

SETTINGS_NAME: Final = "training.json"
"""File of a run's folder that holds its options."""

BEST_NAME: Final = "best.safetensors"
"""File of a run's folder with the weights of its best step."""


class Best:
    """The best score so far, as a part of checkpoints."""

    def __init__(self) -> None:
        self.cer = math.inf
        self.step = 0
        self.worse = 0

    def state_dict(self) -> dict[str, float]:
        """Give what a checkpoint holds."""
        return {"cer": self.cer, "step": self.step, "worse": self.worse}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Take it back."""
        self.cer, self.step, self.worse = float(state["cer"]), int(state["step"]), int(state["worse"])


class BackTranslationRun:
    """Everything that a training run holds.

    Args:
        config: the run's options.

    Raises:
        OSError: the data can't be read, or the folder can't be written.
        ValueError: the data have another form, or are marked as generated.
    """

    def __init__(self, config: BackTranslationConfig) -> None:
        self.config, self.output = config, Path(config.output_dir)
        train = read_examples(Path(config.train_data), _path(config.train_texts), split=config.train_split)[
            : config.max_train_samples
        ]
        self.held_out = _held_out(config, config.validation_split)
        self.test = _test(config, self.held_out)
        self.fps = config.fps or train[0].fps
        self.left_out = sum(len(example.joints) > config.max_frames for example in train)
        self.train = [example for example in train if len(example.joints) <= config.max_frames]
        if not self.train:
            raise ValueError(f"max_frames must leave training poses, but all are longer than {config.max_frames}.")
        self.trained_on = training_hash(self.train)
        self.output.mkdir(parents=True, exist_ok=True)
        self.accelerator = Accelerator(
            gradient_accumulation_steps=config.gradient_accumulation_steps,
            mixed_precision=config.mixed_precision,
            log_with=None if config.report_to == "none" else config.report_to,
            project_config=ProjectConfiguration(project_dir=config.output_dir, logging_dir=str(self.output / "logs")),
        )
        check_precision(self.accelerator)
        set_seed(config.seed)
        self.tokenizer = train_tokenizer(
            [example.text for example in self.train], config.tokenizer, vocab_size=config.vocab_size
        )
        self.features = PoseFeatures.fit(
            (example.at(self.fps) for example in self.train),
            fps=self.fps,
            velocity=config.velocity,
            skeleton=self.train[0].skeleton,
        )
        world = self.accelerator.num_processes
        self.batches = Batches(self.train, self.features, self.tokenizer, config, world=world)
        self.max_tokens = math.ceil(1.5 * max(map(len, self.batches.tokens))) + 2
        self.network = make_network(
            make_config(
                features=self.features.size,
                vocab_size=self.tokenizer.get_vocab_size(),
                d_model=config.d_model,
                encoder_layers=config.encoder_layers,
                decoder_layers=config.decoder_layers,
                heads=config.heads,
                conv_layers=config.conv_layers,
                conv_channels=config.conv_channels,
                dropout=config.dropout,
                max_tokens=self.max_tokens,
            )
        )
        loss = BackTranslationLoss(self.network, label_smoothing=config.label_smoothing, ctc_weight=config.ctc_weight)
        optimizer = torch.optim.AdamW(
            loss.parameters(), lr=config.learning_rate, weight_decay=config.adam_weight_decay, betas=(0.9, 0.98)
        )
        tell_start(
            self.accelerator,
            samples="poses",
            batch=config.train_batch_size,
            accumulated=config.gradient_accumulation_steps,
            steps=config.max_train_steps,
            parameters=loss.parameters(),
            output=self.output,
        )
        self.model, self.optimizer = self.accelerator.prepare(loss, optimizer)
        # Kept from accelerate's hands, which would step it once for each process.
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer.optimizer, lambda step: rate(config, step))
        self.best = Best()
        self.log = Log(self.output / "losses.jsonl", is_writer=self.accelerator.is_main_process)
        self._parts = {"schedule": self.schedule, "best": self.best, "log": self.log}
        names = ("d_model", "encoder_layers", "decoder_layers", "heads", "conv_layers", "conv_channels")
        self._identity: dict[str, str | int] = {
            "data": self.trained_on[:16],
            "vocab_size": self.tokenizer.get_vocab_size(),
            **{name: getattr(config, name) for name in names},
        }
        if self.accelerator.is_main_process:
            clean_up(self.output)
            with replacing(self.output / SETTINGS_NAME) as temporary:
                temporary.write_text(json.dumps(asdict(config), indent=2) + "\n", encoding="utf-8")
        if config.report_to != "none":
            self.accelerator.init_trackers(
                "signdiff-backtranslation", {name: _plain(value) for name, value in vars(config).items()}
            )

    def batch(self, step: int, micro: int) -> Batch:
        """Make this process' part of a micro-batch, on the device."""
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        return self.batches(step, micro, rank=rank, world=world).to(self.accelerator.device)

    def resume(self) -> int:
        """Restore the checkpoint that the configuration names; return its step, 0 without one."""
        name = self.config.resume_from_checkpoint
        checkpoint = find_checkpoint(name, self.output) if name else None
        if checkpoint is None:
            self.log.load_state_dict({"bytes": 0})
            return 0
        load_checkpoint(self.accelerator, checkpoint, parts=self._parts, identity=self._identity)
        return step_of(checkpoint)

    def save(self, step: int) -> None:
        """Write ``checkpoint-<step>`` and thin out the older ones; on every process."""
        keep = self.config.checkpoints_total_limit
        save_checkpoint(self.accelerator, self.output, step, keep=keep, parts=self._parts, identity=self._identity)

    def validate(self, step: int) -> Ceiling | None:
        """Score held-out poses, keep the weights if they are the best so far; on every process.

        Returns:
            The scores on the main process, None on the others.
        """
        scores = None
        verdict = torch.zeros(1, device=self.accelerator.device)
        if self.accelerator.is_main_process:
            held_out = self.held_out[: self.config.num_validation_samples]
            with telling(self.accelerator, f"validation {step:06d}: reads {len(held_out)} poses"):
                scores = self.read(held_out, num_beams=1)[0]
            verdict[0] = scores.cer
        cer = float(self.accelerator.reduce(verdict, reduction="sum").item())
        if cer < self.best.cer:
            self.best.cer, self.best.step, self.best.worse = cer, step, 0
            if self.accelerator.is_main_process:
                with replacing(self.output / BEST_NAME) as temporary:
                    # Through Python, whose errors are the system's; safetensors' own file is for its owner alone.
                    temporary.write_bytes(save({name: value.contiguous() for name, value in self._state().items()}))
        else:
            self.best.worse += 1
        return scores

    @property
    def finished_early(self) -> bool:
        """Tell whether the scores have not improved for as long as the configuration allows."""
        patience = self.config.early_stopping_patience
        return bool(patience) and self.best.worse >= patience

    def restore_best(self) -> None:
        """Give the network the weights of its best step."""
        path = self.output / BEST_NAME
        if path.is_file():
            self.network.load_state_dict(load_file(path), strict=False)
            self.network.tie_weights()

    def read(self, examples: list[Example], *, num_beams: int) -> tuple[Ceiling, list[str]]:
        """Translate examples and score what comes out."""
        self.network.eval()
        reader = BackTranslator(self.network, self.tokenizer, self.translation({}, num_beams=num_beams))
        with self.accelerator.autocast():
            texts = reader([example.at(self.fps) for example in examples])
        self.network.train()
        return score_texts(texts, [example.text for example in examples]), texts

    def translation(self, scores: dict[str, float], *, num_beams: int) -> Translation:
        """Describe the translator that comes of the run."""
        return Translation(
            name=self.config.name,
            features=self.features,
            trained_on=self.trained_on,
            num_beams=num_beams,
            max_tokens=self.max_tokens,
            scores=scores,
        )

    def _state(self) -> dict[str, torch.Tensor]:
        return {name: value for name, value in self.network.state_dict().items() if name != "lm_head.weight"}


def rate(config: BackTranslationConfig, step: int) -> float:
    """Tell the share of the peak learning rate at a step.

    Args:
        config: names the schedule and its steps.
        step: optimizer steps so far.

    Returns:
        From 0 to 1: up along a line during the warm-up, then as ``lr_scheduler`` says, to 0 at the end.
    """
    if step < config.lr_warmup_steps:
        return (step + 1) / (config.lr_warmup_steps + 1)
    done = (step - config.lr_warmup_steps) / max(1, config.max_train_steps - config.lr_warmup_steps)
    if config.lr_scheduler == "constant":
        return 1.0
    return max(0.0, 1 - done) if config.lr_scheduler == "linear" else 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def _held_out(config: BackTranslationConfig, split: str) -> list[Example]:
    if config.validation_data is None and config.train_texts is not None:
        raise ValueError("validation_data must be given where the training data is no corpus with splits.")
    examples = read_examples(
        Path(config.validation_data or config.train_data), _path(config.validation_texts), split=split
    )
    # Spread over the set, which may be ordered by kind.
    count = min(config.num_validation_samples, len(examples))
    return [examples[int(index)] for index in np.linspace(0, len(examples) - 1, count)]


def _test(config: BackTranslationConfig, held_out: list[Example]) -> list[Example]:
    if config.test_data is not None:
        examples = read_examples(Path(config.test_data), _path(config.test_texts), split=config.test_split)
    elif config.train_texts is None:
        examples = read_examples(Path(config.train_data), split=config.test_split)
    else:
        examples = held_out
    chosen = [example for example in examples if fnmatch.fnmatchcase(example.name, config.test_names)]
    if not chosen:
        raise ValueError(f"test_names must fit some of the test poses, but {config.test_names!r} fits none.")
    return chosen


def _path(name: str | None) -> Path | None:
    return None if name is None else Path(name)


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | float | str) else str(value)
