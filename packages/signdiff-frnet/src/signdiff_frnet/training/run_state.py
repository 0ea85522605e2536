"""The state of a training run: network, optimizer, data; saved and restored as one."""

from __future__ import annotations

import json
import math
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from accelerate import Accelerator
from accelerate.utils import ProjectConfiguration, set_seed

from signdiff_core.training.opening import check_precision, tell_start, telling
from signdiff_frnet.training.batches import Batch, Batches
from signdiff_frnet.training.checkpoints import (
    clean_up,
    find_checkpoint,
    load_checkpoint,
    save_checkpoint,
    step_of,
)
from signdiff_frnet.training.log import Log
from signdiff_frnet.training.network import StrokeLoss, StrokeUNet
from signdiff_frnet.training.scores import Validation, picture, validate
from signdiff_frnet.training.sources import fingerprint, open_sources
from signdiff_frnet.writing import replacing

if TYPE_CHECKING:
    from signdiff_frnet.training.config import PredictorTrainingConfig

SETTINGS_NAME: Final = "training.json"
"""File of a run's folder that holds its options."""


class PredictorRun:
    """Everything that a training run holds.

    Args:
        config: the run's options.

    Raises:
        OSError: the data can't be read, or the folder can't be written.
        ValueError: the data have another form.
        ImportError: the data need something that is not installed.
    """

    def __init__(self, config: PredictorTrainingConfig) -> None:
        self.config, self.output = config, Path(config.output_dir)
        self.output.mkdir(parents=True, exist_ok=True)
        self.accelerator = Accelerator(
            gradient_accumulation_steps=config.gradient_accumulation_steps,
            mixed_precision=config.mixed_precision,
            log_with=None if config.report_to == "none" else config.report_to,
            project_config=ProjectConfiguration(project_dir=config.output_dir, logging_dir=str(self.output / "logs")),
        )
        check_precision(self.accelerator)
        set_seed(config.seed)
        train, held_out = open_sources(config)
        self.batches, self.held_out = Batches(train, config), Batches(held_out, config)
        network: Any = StrokeUNet(config.block_out_channels)
        self.network: StrokeUNet = network.to(memory_format=torch.channels_last)
        optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.adam_weight_decay
        )
        loss = StrokeLoss(self.network, dice_weight=config.dice_weight, hand_weight=config.hand_weight)
        tell_start(
            self.accelerator,
            samples=f"samples of {config.resolutions[0]} pixels",
            batch=config.train_batch_size,
            accumulated=config.gradient_accumulation_steps,
            steps=config.max_train_steps,
            trained=self.network.parameters(),
            output=self.output,
        )
        self.model, self.optimizer = self.accelerator.prepare(loss, optimizer)
        # Kept from accelerate's hands, which would step it once for each process.
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer.optimizer, lambda step: rate(config, step))
        self.log = Log(self.output / "losses.jsonl", is_writer=self.accelerator.is_main_process)
        self._parts = {"schedule": self.schedule, "log": self.log}
        self._identity: dict[str, str | int] = {
            "data": fingerprint(train),
            "block_out_channels": ",".join(map(str, config.block_out_channels)),
        }
        workers = config.dataloader_num_workers
        self._reader = ThreadPoolExecutor(workers) if workers else None
        self._ahead: dict[int, Future[Batch]] = {}
        if self.accelerator.is_main_process:
            clean_up(self.output)
            with replacing(self.output / SETTINGS_NAME) as temporary:
                temporary.write_text(json.dumps(asdict(config), indent=2) + "\n", encoding="utf-8")
        if config.report_to != "none":
            self.accelerator.init_trackers(
                "signdiff-frnet", {name: _plain(value) for name, value in vars(config).items()}
            )

    def batch(self, micro_step: int) -> Batch:
        """Make a batch, or take it from those that were read ahead, and bring it to the device."""
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        if self._reader is None:
            batch = self.batches(micro_step, rank=rank, world=world)
        else:
            for step in range(micro_step, micro_step + self.config.dataloader_num_workers + 1):
                if step not in self._ahead:
                    self._ahead[step] = self._reader.submit(self.batches, step, rank=rank, world=world)
            batch = self._ahead.pop(micro_step).result()
        device = self.accelerator.device
        return Batch(
            conditions=batch.conditions.to(device, memory_format=torch.channels_last), strokes=batch.strokes.to(device)
        )

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

    def validate(self, name: str) -> Validation:
        """Score held-out samples, and picture some of them in ``validation/<name>.png``."""
        options: dict[str, Any] = {"samples": self.config.num_validation_samples, "device": self.accelerator.device}
        self.network.eval()
        with telling(
            self.accelerator, f"validation {name}: scores {self.config.num_validation_samples} samples at most"
        ):
            picture(self.network, self.held_out, self.output / "validation" / f"{name}.png", **options)
            scores = validate(self.network, self.held_out, **options)
        self.network.train()
        return scores

    def close(self) -> None:
        """End the threads that read ahead, and the logs."""
        if self._reader is not None:
            self._reader.shutdown(cancel_futures=True)
        self.accelerator.end_training()


def rate(config: PredictorTrainingConfig, step: int) -> float:
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


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | float | str) else str(value)
