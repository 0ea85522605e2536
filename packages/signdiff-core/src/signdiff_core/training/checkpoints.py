"""Folders ``checkpoint-<step>`` of a training run: found, written whole, and thinned out."""

from __future__ import annotations

import errno
import os
import re
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from safetensors import SafetensorError

from signdiff_core.atomic import replacing_folder, restore_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from accelerate import Accelerator

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


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
        if path.is_dir():
            return path
    raise FileNotFoundError(f"resume_from_checkpoint must be 'latest' or a checkpoint's folder, but is {name!r}.")


def prune_checkpoints(folder: Path, keep: int) -> None:
    """Remove a run's oldest checkpoints, so that ``keep`` stay."""
    found = list_checkpoints(folder)
    for path in found[: max(0, len(found) - keep)]:
        _remove(path)


def clean_up(folder: Path) -> None:
    """Remove what a killed run left half written, or half removed."""
    for path in folder.glob(".*.kept.tmp"):
        restore_folder(path.with_name(path.name.removeprefix(".").removesuffix(".kept.tmp")))
    for path in folder.glob(".*.tmp"):
        if path.is_dir():
            shutil.rmtree(path)


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``target``, which takes its place when the block ends well.

    Args:
        target: the folder to make; what is there is replaced.

    Yields:
        The folder to write to. If the block raises, it is removed and ``target`` stays as it was.

    Raises:
        OSError: it cannot be written.
    """
    try:
        with replacing_folder(target) as temporary:
            yield temporary
            _make_readable(temporary)
    except SafetensorError as error:
        # safetensors wraps errors of the system in its own.
        number = re.search(r"os error (\d+)", str(error))
        code = int(number.group(1)) if number else errno.EIO
        raise OSError(code, os.strerror(code) if number else str(error), str(target)) from error


def save_checkpoint(
    accelerator: Accelerator, folder: Path, step: int, write: Callable[[Path], None], *, keep: int
) -> None:
    """Write ``checkpoint-<step>`` under a temporary name, rename it, and thin out the older ones; on every process.

    Args:
        accelerator: of the run; its main process writes.
        folder: the run.
        step: optimizer steps so far.
        write: writes the state to a folder.
        keep: checkpoints that stay, with this one.

    Raises:
        OSError: it cannot be written; the older ones stay as they were. All processes raise, so that none waits.
    """
    import torch

    problem: OSError | None = None
    if accelerator.is_main_process:
        try:
            with whole_folder(folder / f"checkpoint-{step}") as temporary:
                write(temporary)
            prune_checkpoints(folder, keep)
        except OSError as error:
            problem = error
    failed = accelerator.gather(torch.tensor([int(problem is not None)], device=accelerator.device))
    if problem is not None:
        raise problem
    if failed.any():
        raise OSError(f"the main process could not write checkpoint-{step}.")


@contextmanager
def telling_when_full(folder: Path) -> Iterator[None]:
    """Say in one line that the disk is full, and where the run can go on; also where it was asked to stop.

    Args:
        folder: the run.

    Raises:
        OSError: the block failed because a disk is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        place = f" to {error.filename}" if error.filename else f" within {folder}"
        raise OSError(f"cannot write{place}: {os.strerror(error.errno)}; {_way_on(folder)}.") from error
    except KeyboardInterrupt as stop:
        stop.add_note(_way_on(folder))
        raise


def _way_on(folder: Path) -> str:
    last = next(reversed(list_checkpoints(folder)), None)
    return f"{last.name} is whole: go on with --resume_from_checkpoint latest" if last else "there is no checkpoint"


def _make_readable(folder: Path) -> None:
    """Give weights the permissions of any new file: safetensors keeps them for their owner."""
    probe = folder / ".probe"
    probe.touch()
    mode = probe.stat().st_mode
    probe.unlink()
    for path in folder.rglob("*.safetensors"):
        path.chmod(mode)


def _remove(folder: Path) -> None:
    """Remove a folder so that no part of it is ever seen under its name."""
    if folder.exists():
        doomed = folder.with_name(f".{folder.name}.old.tmp")
        if doomed.exists():
            shutil.rmtree(doomed)
        folder.rename(doomed)
        shutil.rmtree(doomed)
