"""Folders ``checkpoint-<step>`` of a training run: found, written whole, and thinned out."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accelerate import Accelerator


def list_checkpoints(folder: Path) -> list[Path]:
    """List a run's checkpoints, oldest first."""
    return sorted((path for path in folder.glob("checkpoint-*") if path.name.rpartition("-")[2].isdigit()), key=step_of)


def step_of(checkpoint: Path) -> int:
    """Read the number of optimizer steps from a checkpoint's name.

    Example:
        >>> step_of(Path("run/checkpoint-500"))
        500
    """
    return int(checkpoint.name.rpartition("-")[2])


def find_checkpoint(name: str, folder: Path) -> Path | None:
    """Find what ``--resume_from_checkpoint`` names.

    Args:
        name: a folder, the name of one within ``folder``, or ``"latest"``.
        folder: the run.

    Returns:
        The checkpoint; None for ``"latest"`` of a run that has none yet.

    Raises:
        FileNotFoundError: there is no such checkpoint.
    """
    if name == "latest":
        return next(reversed(list_checkpoints(folder)), None)
    for path in (Path(name), folder / name):
        if path.is_dir() and path.name.rpartition("-")[2].isdigit():
            return path
    raise FileNotFoundError(f"resume_from_checkpoint must be 'latest' or a checkpoint's folder, but is {name!r}.")


def save_checkpoint(accelerator: Accelerator, folder: Path, step: int, *, keep: int) -> None:
    """Write ``checkpoint-<step>`` under a temporary name, rename it, and thin out the older ones; on every process.

    Args:
        accelerator: holds the state.
        folder: the run.
        step: optimizer steps so far.
        keep: checkpoints that stay, with this one.
    """
    temporary, target = folder / f".checkpoint-{step}.tmp", folder / f"checkpoint-{step}"
    accelerator.wait_for_everyone()
    accelerator.save_state(str(temporary))
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        if target.exists():
            shutil.rmtree(target)
        temporary.rename(target)
        for path in list_checkpoints(folder)[:-keep]:
            shutil.rmtree(path)
    accelerator.wait_for_everyone()
