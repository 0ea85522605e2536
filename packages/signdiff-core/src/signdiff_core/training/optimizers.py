"""The optimizer and its learning rate."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch
from torch.optim.lr_scheduler import LambdaLR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from signdiff_core.training.controlnet_config import ControlNetConfig


def make_optimizer(parameters: Iterable[torch.nn.Parameter], config: ControlNetConfig) -> torch.optim.Optimizer:
    """Make AdamW, or bitsandbytes' AdamW with moments of 8 bits.

    Args:
        parameters: what is trained.
        config: of the run; its learning rate is taken as it is.

    Raises:
        RuntimeError: moments of 8 bits are asked for without bitsandbytes.
    """
    kind = torch.optim.AdamW
    if config.use_8bit_adam:
        check_8bit_adam()
        import bitsandbytes  # type: ignore[import-not-found,import-untyped,unused-ignore]

        kind = bitsandbytes.optim.AdamW8bit
    return kind(
        parameters,
        lr=config.learning_rate,
        betas=(config.adam_beta1, config.adam_beta2),
        eps=config.adam_epsilon,
        weight_decay=config.adam_weight_decay,
    )


def check_8bit_adam() -> None:
    """Make sure that bitsandbytes is there, before work is spent.

    Raises:
        RuntimeError: it is not.
    """
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
    """Make the schedule of the learning rate, by transformers' definitions.

    Its rate is a function of the step: nothing of a schedule needs to be kept in checkpoints.

    Args:
        optimizer: whose rate is set.
        name: of the schedule.
        warmup_steps: optimizer steps of warm-up.
        steps: those of the whole run.
        step: those that are done already.
        options: what this schedule takes besides.
    """
    from transformers import get_scheduler

    schedule: LambdaLR = get_scheduler(
        name,
        optimizer,
        num_warmup_steps=warmup_steps,
        num_training_steps=steps,
        scheduler_specific_kwargs=options,
    )
    return LambdaLR(optimizer, schedule.lr_lambdas, last_epoch=step - 1) if step else schedule


def schedule_options(config: ControlNetConfig) -> dict[str, Any] | None:
    """Give what the schedule that is asked for takes besides warm-up and steps."""
    options: dict[str, dict[str, Any]] = {
        "cosine_with_restarts": {"num_cycles": config.lr_num_cycles},
        "polynomial": {"power": config.lr_power},
        "warmup_stable_decay": {"num_decay_steps": config.lr_decay_steps, "decay_type": "linear"},
    }
    return options.get(config.lr_scheduler)
