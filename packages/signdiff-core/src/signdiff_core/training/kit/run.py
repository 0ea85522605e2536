"""What every training run holds, and what all do alike: begin, take a step, save, resume, end, and say so."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import torch
from accelerate import Accelerator
from accelerate.logging import MultiProcessAdapter
from accelerate.utils import DistributedType, ProjectConfiguration, set_seed
from torch.optim.lr_scheduler import LambdaLR
from tqdm.auto import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm
from transformers import get_scheduler

from signdiff_core.training.kit.arguments import LOGGER, RunConfig
from signdiff_core.training.kit.checkpoints import clean_up, find_checkpoint, save_checkpoint
from signdiff_core.training.kit.state import RunState
from signdiff_core.wording import one_line

Config = TypeVar("Config", bound=RunConfig)

LOSSES_NAME: Final = "losses.jsonl"
"""File of a run's folder with a line for each step."""

_SHARDED = (DistributedType.FSDP, DistributedType.DEEPSPEED, DistributedType.MEGATRON_LM)
_SECRET = ("hub_token",)


class _MainProcessLog(MultiProcessAdapter):  # type: ignore[misc]
    """accelerate's logger, without the number of the process, for one speaks for all."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        kwargs.setdefault("stacklevel", 2)
        return msg, kwargs


LOG = _MainProcessLog(logging.getLogger(LOGGER), {})
"""Logger of all training scripts; the main process speaks for all. `arguments.run` shows its lines on stderr."""


class TrainingRun(Generic[Config]):
    """What every training run holds: accelerator, networks, schedule, and the state of its checkpoints.

    A training's own class reads data and networks, and calls `begin` with them at the end of its ``__init__``. Raises
    ValueError where the device cannot compute as asked, or accelerate is configured to split networks.
    """

    model: Any
    optimizer: Any
    trained: list[torch.nn.Parameter]
    schedule: LambdaLR
    steps: int
    state: RunState

    def __init__(self, config: Config) -> None:
        self.config, self.output = config, Path(config.output_dir)
        self.accelerator = Accelerator(
            gradient_accumulation_steps=config.gradient_accumulation_steps,
            mixed_precision=config.mixed_precision,
            log_with=None if config.report_to == "none" else config.report_to,
            project_config=ProjectConfiguration(
                project_dir=config.output_dir, logging_dir=str(self.output / config.logging_dir)
            ),
        )
        if self.accelerator.distributed_type in _SHARDED:
            kind = self.accelerator.distributed_type.value
            raise ValueError(f"accelerate must be configured to keep networks whole on each device, but is for {kind}.")
        if self.accelerator.mixed_precision == "fp16" and self.accelerator.device.type == "cpu":
            raise ValueError("mixed_precision must be no or bf16 on a CPU, but is fp16.")
        if self.accelerator.is_main_process:
            clean_up(self.output)
        set_seed(config.seed)
        self.losses = LossLog(self.output / LOSSES_NAME, is_writer=self.accelerator.is_main_process)

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes and speaks for all."""
        return bool(self.accelerator.is_main_process)

    def begin(
        self,
        model: torch.nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        steps: int,
        schedule: str,
        warmup_steps: int,
        schedule_options: dict[str, Any] | None = None,
        batch: int,
        samples: str,
        locked: Iterable[torch.Tensor] = (),
        tracker: str,
    ) -> None:
        """Bring what is trained to the devices, and say in a line what the run is.

        The model's forward pass computes the loss. `steps` are those of the whole run, `schedule` is transformers'
        name, `batch` counts the `samples` (such as frames) of a process, `locked` are parameters of networks that run
        along, and `tracker` names the run for `resume`, which starts the trackers.
        """
        config, accelerator = self.config, self.accelerator
        self.steps = steps
        self.trained = [weights for group in optimizer.param_groups for weights in group["params"]]
        # The schedule is kept from accelerate's hands, which would step it once for each process.
        self._schedule = partial(
            make_schedule, optimizer, schedule, warmup_steps=warmup_steps, steps=steps, options=schedule_options
        )
        self.schedule = self._schedule()
        self.model, self.optimizer = accelerator.prepare(model, optimizer)
        self._tracker = tracker
        world, precision = accelerator.num_processes, accelerator.mixed_precision
        own, other = (sum(weights.numel() for weights in each) for each in (self.trained, locked))
        self._step_size = batch * config.gradient_accumulation_steps * world
        product = f"{batch} x {config.gradient_accumulation_steps} accumulated x {world} process{'es' * (world != 1)}"
        LOG.info(
            f"{world} process{'es' * (world != 1)} on {accelerator.device.type}, precision "
            f"{'float32' if precision == 'no' else f'mixed {precision}'}; "
            f"{self._step_size} {samples} a step ({product}), {steps:,} steps; "
            f"{own:,} of {own + other:,} parameters trained; to {self.output}"
        )
        if world == 1 and "MASTER_ADDR" in os.environ and "WORLD_SIZE" not in os.environ:
            # What accelerate launch leaves where it was given several processes and starts one.
            LOG.info(
                "note: accelerate launch starts one process on CPUs, whatever --num_processes says; for several: "
                "ACCELERATE_USE_CPU=true torchrun --nproc_per_node N -m ..."
            )

    def deciding(self, *names: str) -> dict[str, Any]:
        """Give options that decide data or loss, by their names, for `RunState.settings`: after `begin`.

        The seed is one; so is the number of samples of a step, however they are spread.
        """
        product = "train_batch_size x gradient_accumulation_steps x processes"
        return {name: getattr(self.config, name) for name in ("seed", *names)} | {product: self._step_size}

    def resume(self) -> dict[str, float]:
        """Restore the checkpoint that ``resume_from_checkpoint`` names, and give its progress; start the trackers.

        Progress is ``step``, 0 without a checkpoint, and what else was saved. Raises ValueError where it is damaged or
        of another run, which is before anything is written; RuntimeError where a tracker does not start.
        """
        name, progress = self.config.resume_from_checkpoint, {"step": 0.0}
        checkpoint = find_checkpoint(name, self.output) if name else None
        if checkpoint is None:
            if name:
                LOG.info(f"resume_from_checkpoint is {name}, but {self.output} has no checkpoint: the run starts anew")
            self.losses.load_state_dict({"bytes": 0})
        else:
            progress = self.state.read(checkpoint)
            self.schedule = self._schedule(step=int(progress["step"]))
            LOG.info("resumed from %s", checkpoint)
        if self.config.report_to != "none":
            given = {field.name: getattr(self.config, field.name) for field in dataclasses.fields(self.config)}
            options = {name: value for name, value in given.items() if value is not None and name not in _SECRET}
            try:
                self.accelerator.init_trackers(self._tracker, {key: _plain(value) for key, value in options.items()})
            except Exception as error:  # a tracker has errors of its own
                reason = one_line(error) or type(error).__name__
                raise RuntimeError(
                    f"report_to names {self.config.report_to}, which does not start: {reason}"
                ) from error
        return progress

    @contextmanager
    def progress(self, step: int) -> Iterator[tqdm[Any]]:
        """Show a progress bar, on a terminal only, and lines of the log above it."""
        shown = None if self.accelerator.is_local_main_process else True
        bar = tqdm(initial=step, total=self.steps, disable=shown, mininterval=5)
        with logging_redirect_tqdm(), bar:
            yield bar

    def optimize(self, step: int, loss_of: Callable[[int], torch.Tensor], *, set_to_none: bool = True) -> float:
        """Take the step after `step`, and give the mean loss over accumulated batches and processes.

        `loss_of` computes the loss of a forward pass by its number; with `set_to_none` gradients are freed, not set to
        zero.
        """
        config, accelerator = self.config, self.accelerator
        total = torch.zeros((), device=accelerator.device)
        first = step * config.gradient_accumulation_steps
        for micro_step in range(first, first + config.gradient_accumulation_steps):
            # A network may have dropout: its draws too must be those of the step, so that a resumed run repeats them.
            torch.manual_seed(config.seed + micro_step * accelerator.num_processes + accelerator.process_index)
            with accelerator.accumulate(self.model):
                with accelerator.autocast():
                    loss = loss_of(micro_step)
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(self.trained, config.max_grad_norm)
                self.optimizer.step()
                self.optimizer.zero_grad(set_to_none=set_to_none)
            total += loss.detach() / config.gradient_accumulation_steps
        self.schedule.step()
        return float(accelerator.reduce(total, reduction="mean").item())

    def log(self, step: int, numbers: dict[str, float]) -> None:
        """Hand numbers of a step to the trackers and to ``losses.jsonl``; on the main process."""
        if self.is_main:
            self.accelerator.log(numbers, step=step)
            self.losses.add(step, numbers)

    def save(self, step: int, **progress: float) -> None:
        """Write ``checkpoint-<step>`` with other numbers to keep, and thin out the older; on every process."""

        def write(folder: Path) -> None:
            self.write_beside(folder)
            self.state.write(folder, step=step, **progress)

        save_checkpoint(self.accelerator, self.output, step, write, keep=self.config.checkpoints_total_limit)
        LOG.info("saved checkpoint-%d", step)

    def write_beside(self, folder: Path) -> None:
        """Write other files of a checkpoint; a training that has such overrides this."""

    def end(self) -> None:
        """Wait for all processes and end the trackers."""
        self.accelerator.wait_for_everyone()
        self.accelerator.end_training()


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Say that something long begins, and how long it took."""
    LOG.info("%s ...", what)
    start = time.monotonic()
    yield
    LOG.info("%s: done in %.0f s", what, time.monotonic() - start)


class LossLog:
    """A file of JSON lines, one for each step, and none twice where a run was resumed: checkpoints hold its length."""

    def __init__(self, path: Path, *, is_writer: bool) -> None:
        self.path, self.is_writer = path, is_writer

    def add(self, step: int, numbers: Mapping[str, float]) -> None:
        """Add a line."""
        if self.is_writer:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"step": step, **numbers}) + "\n")

    def state_dict(self) -> dict[str, int]:
        """Give the length of the file, which is on the disk when this returns."""
        if not self.path.exists():
            return {"bytes": 0}
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
            return {"bytes": os.fstat(file.fileno()).st_size}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Take away what was added since: those steps come again."""
        length = state["bytes"]
        if type(length) is not int or length < 0:
            raise ValueError(f"bytes must be an integer of at least 0, but is {length!r}.")
        if self.is_writer and self.path.exists() and self.path.stat().st_size > length:
            os.truncate(self.path, length)


def adamw(*, use_8bit_adam: bool = False) -> type[torch.optim.AdamW]:
    """Give torch's AdamW, or bitsandbytes' of 8 bits with the same arguments; RuntimeError without bitsandbytes."""
    if not use_8bit_adam:
        return torch.optim.AdamW
    check_8bit_adam()
    import bitsandbytes  # type: ignore[import-not-found,import-untyped,unused-ignore]

    kind: type[torch.optim.AdamW] = bitsandbytes.optim.AdamW8bit
    return kind


def check_8bit_adam() -> None:
    """Raise RuntimeError without bitsandbytes, before work is spent."""
    if find_spec("bitsandbytes") is None:
        raise RuntimeError(
            "use_8bit_adam needs bitsandbytes, which is not installed: python -m pip install bitsandbytes"
        )


def make_schedule(
    optimizer: torch.optim.Optimizer,
    name: str,
    *,
    warmup_steps: int,
    steps: int,
    step: int = 0,
    options: dict[str, Any] | None = None,
) -> LambdaLR:
    """Make the schedule of the learning rate, by transformers' name and definitions, after `step` of `steps`.

    Its rate is a function of the step: nothing of a schedule needs to be kept in checkpoints.
    """
    schedule: LambdaLR = get_scheduler(
        name,
        optimizer,
        num_warmup_steps=warmup_steps,
        num_training_steps=steps,
        scheduler_specific_kwargs=options,
    )
    return LambdaLR(optimizer, schedule.lr_lambdas, last_epoch=step - 1) if step else schedule


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | float | str) else str(value)
