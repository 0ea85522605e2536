"""The training of a back translator as a run: data, network, how well it reads, and the best weights so far."""

from __future__ import annotations

import fnmatch
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor

from signdiff_core.training.kit.run import TrainingRun, timed
from signdiff_core.training.kit.state import RunState
from signdiff_eval import functional
from signdiff_eval.atomic import replacing
from signdiff_eval.backtranslation.features import PoseFeatures
from signdiff_eval.backtranslation.files import Translation
from signdiff_eval.backtranslation.network import make_config, make_network, train_tokenizer
from signdiff_eval.backtranslation.translator import BackTranslator
from signdiff_eval.training.batches import BackTranslationLoss, Batches
from signdiff_eval.training.config import DECIDING, BackTranslationConfig
from signdiff_eval.training.examples import Example, read_examples, training_hash

SETTINGS_NAME: Final = "training.json"
"""File of a run's folder that holds its options."""

BEST_NAME: Final = "best.safetensors"
"""File of a run's folder with the weights of its best step."""

_SIZES: Final = ("d_model", "encoder_layers", "decoder_layers", "conv_layers", "conv_channels")


class BackTranslationRun(TrainingRun[BackTranslationConfig]):
    """Everything that a run holds; a ValueError if the data have another form, or are marked as generated."""

    def __init__(self, config: BackTranslationConfig) -> None:
        super().__init__(config)
        train = read_examples(
            Path(config.train_data), config.train_texts, split=config.train_split, option="train_texts"
        )[: config.max_train_samples]
        self.held_out = _held_out(config, config.validation_split)
        self.test = _test(config, self.held_out)
        self.fps = config.fps or train[0].fps
        self.left_out = sum(len(example.joints) > config.max_frames for example in train)
        self.train = [example for example in train if len(example.joints) <= config.max_frames]
        if not self.train:
            raise ValueError(f"max_frames must leave training poses, but all are longer than {config.max_frames}.")
        self.trained_on = training_hash(self.train)
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
        sizes = {name: getattr(config, name) for name in _SIZES}
        self.network = make_network(
            make_config(
                features=self.features.size,
                vocab_size=self.tokenizer.get_vocab_size(),
                heads=config.heads,
                dropout=config.dropout,
                max_tokens=self.max_tokens,
                **sizes,
            )
        )
        loss = BackTranslationLoss(self.network, label_smoothing=config.label_smoothing, ctc_weight=config.ctc_weight)
        self.begin(
            loss,
            torch.optim.AdamW(
                loss.parameters(), lr=config.learning_rate, weight_decay=config.adam_weight_decay, betas=(0.9, 0.98)
            ),
            steps=config.max_train_steps,
            schedule=config.schedule,
            warmup_steps=config.lr_warmup_steps,
            batch=config.train_batch_size,
            samples="poses",
            tracker="signdiff-backtranslation",
        )
        self.best = Best()
        self.state = RunState(
            parts=dict(loss.named_children()),
            optimizer=self.optimizer,
            scaler=self.accelerator.scaler,
            settings={
                **self.deciding(*DECIDING),
                "vocab_size": self.tokenizer.get_vocab_size(),
                "heads": config.heads,
                "fps": self.fps,
                **sizes,
            },
            data=self.trained_on[:16],
            extras={"best": self.best, "log": self.losses},
        )

    def resume(self) -> dict[str, float]:
        """Restore the checkpoint, if any, then keep the run's options beside it."""
        progress = super().resume()
        if self.is_main:
            with replacing(self.output / SETTINGS_NAME) as temporary:
                temporary.write_text(json.dumps(asdict(self.config), indent=2) + "\n", encoding="utf-8")
        return progress

    def loss(self, micro_step: int) -> Tensor:
        """Compute the loss of a forward pass: its share of the optimizer step's, times how many such there are."""
        accelerator, accumulated = self.accelerator, self.config.gradient_accumulation_steps
        step, micro = divmod(micro_step, accumulated)
        batch = self.batches(step, micro, rank=accelerator.process_index, world=accelerator.num_processes)
        batch = batch.to(accelerator.device)
        loss: Tensor = self.model(batch.features, batch.mask, batch.labels, batch.share)
        scaled: Tensor = loss * accelerator.num_processes * accumulated
        return scaled

    def validate(self, step: int) -> Ceiling | None:
        """Score held-out poses on the main process, which alone gets scores; keep the best weights so far."""
        scores = None
        verdict = torch.zeros(1, device=self.accelerator.device)
        if self.accelerator.is_main_process:
            held_out = self.held_out[: self.config.num_validation_samples]
            with timed(f"validation {step:06d}: reads {len(held_out)} poses"):
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


class Best:
    """The best score so far, as a part of checkpoints."""

    def __init__(self) -> None:
        self.cer, self.step, self.worse = math.inf, 0, 0

    def state_dict(self) -> dict[str, float]:
        """Give what a checkpoint holds."""
        return {"cer": self.cer, "step": self.step, "worse": self.worse}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Take it back."""
        self.cer, self.step, self.worse = float(state["cer"]), int(state["step"]), int(state["worse"])


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """Scores of translations of ground truth, in percent: characters and words to edit, of those of the references.

    ``exact`` are texts without an error, ``bleu4`` is sacrebleu's without tokenisation.
    """

    cer: float
    wer: float
    exact: float
    bleu4: float
    chrf: float


def score_texts(hypotheses: Sequence[str], references: Sequence[str]) -> Ceiling:
    """Score translations.

    Args:
        hypotheses: what was read.
        references: what was signed, as many and at least one.

    Example:
        >>> scores = score_texts(["hello", "word"], ["hello", "world"])
        >>> scores.cer, scores.wer, scores.exact
        (10.0, 50.0, 50.0)
    """
    return Ceiling(
        cer=functional.cer(hypotheses, references),
        wer=functional.wer(hypotheses, references),
        exact=100 * float(np.mean([left == right for left, right in zip(hypotheses, references, strict=True)])),
        bleu4=functional.bleu(hypotheses, references).bleu4,
        chrf=functional.chrf(hypotheses, references),
    )


def _held_out(config: BackTranslationConfig, split: str) -> list[Example]:
    if config.validation_data is None and config.train_texts is not None:
        raise ValueError("validation_data must be given where the training data is no corpus with splits.")
    data = Path(config.validation_data or config.train_data)
    examples = read_examples(data, config.validation_texts, split=split, option="validation_texts")
    # Spread over the set, which may be ordered by kind.
    count = min(config.num_validation_samples, len(examples))
    return [examples[int(index)] for index in np.linspace(0, len(examples) - 1, count)]


def _test(config: BackTranslationConfig, held_out: list[Example]) -> list[Example]:
    if config.test_data is not None:
        examples = read_examples(
            Path(config.test_data), config.test_texts, split=config.test_split, option="test_texts"
        )
    elif config.train_texts is None:
        examples = read_examples(Path(config.train_data), split=config.test_split)
    else:
        examples = held_out
    chosen = [example for example in examples if fnmatch.fnmatchcase(example.name, config.test_names)]
    if not chosen:
        raise ValueError(f"test_names must fit some of the test poses, but {config.test_names!r} fits none.")
    return chosen
