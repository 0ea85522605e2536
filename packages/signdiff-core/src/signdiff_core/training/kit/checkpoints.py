"""A run's folder: one run's alone, with checkpoints that are written whole, found again, and thinned out."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

from safetensors import SafetensorError

from signdiff_core.atomic import remove_folder, replacing_folder, restore_folder
from signdiff_core.training.kit.arguments import RunConfig

if TYPE_CHECKING:
    from accelerate import Accelerator

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

_RANKS: Final = ("RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK")
"""Where launchers tell a process its number."""


@contextmanager
def run_folder(config: RunConfig, results: Sequence[str]) -> Iterator[Path]:
    """Make and keep ``output_dir`` for this run alone inside the block; in every process of the run.

    Where the block fails because a disk is full, or is asked to stop, the message says where the run can be resumed.
    ``resume_from_checkpoint`` allows the folder to hold this run already, ``overwrite_output_dir`` an older one, which
    is lost; folders among the `results` are replaced when the run ends. Raises FileExistsError where it holds another
    run, FileNotFoundError where there is no checkpoint to resume, BlockingIOError where another run is at work in it,
    NotADirectoryError where it is a file, OSError where a disk is full.
    """
    root, resume = Path(config.output_dir), config.resume_from_checkpoint
    if root.exists() and not root.is_dir():
        raise NotADirectoryError(f"output_dir must be a folder, but {root} is a file.")
    resumed = find_checkpoint(resume, root) if resume else None
    own = resume == "latest" or (resumed is not None and resumed.resolve().is_relative_to(root.resolve()))
    found = [path.name for path in list_checkpoints(root)] + [name for name in results if (root / name).exists()]
    if found and not own and not config.overwrite_output_dir:
        raise FileExistsError(
            f"output_dir must be new or without a run, but {config.output_dir} holds {', '.join(found)}: give "
            "--resume_from_checkpoint latest to resume it, or --overwrite_output_dir to lose it."
        )
    is_new, is_main = not root.exists(), not any(int(os.environ.get(name, 0)) for name in _RANKS)
    root.mkdir(parents=True, exist_ok=True)
    try:
        with _locked(root) if is_main else nullcontext(), _saying_where_to_resume(root):
            if is_main and config.overwrite_output_dir and not own:
                for checkpoint in list_checkpoints(root):
                    shutil.rmtree(checkpoint)
                for path in (root / name for name in results if (root / name).is_file()):
                    path.unlink()
            yield root
    except BaseException:
        if is_main and is_new and not any(root.iterdir()):
            root.rmdir()
        raise


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
    """Find what ``--resume_from_checkpoint`` names: a folder, the name of one in ``folder``, or ``"latest"``.

    None for ``"latest"`` of a run that has none yet. Raises FileNotFoundError where there is no such checkpoint.
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
        remove_folder(path)


def clean_up(folder: Path) -> None:
    """Remove what a killed run left half written, or half removed."""
    for path in folder.glob(".*.kept.tmp"):
        restore_folder(path.with_name(path.name.removeprefix(".").removesuffix(".kept.tmp")))
    for path in folder.glob(".*.tmp"):
        if path.is_dir():
            shutil.rmtree(path)


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Give a temporary folder that replaces ``target`` when the block ends well, and is removed if it raises."""
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
    """Write ``checkpoint-<step>`` whole or not at all, and thin the older ones out to `keep`; on every process.

    The main process writes. Where that fails, all raise OSError, so that none waits, and the older ones stay as they
    were.
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
def _saying_where_to_resume(folder: Path) -> Iterator[None]:
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
    return f"{last.name} is whole: resume with --resume_from_checkpoint latest" if last else "there is no checkpoint"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder, which ends with this process at the latest; where there are no such locks, do not."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise BlockingIOError(f"output_dir must be a run's own, but another run is at work in {folder}.") from error
    except OSError:
        pass  # a file system without locks
    try:
        yield
    finally:
        os.close(descriptor)


def _make_readable(folder: Path) -> None:
    """Give weights the permissions of any new file: safetensors keeps them for their owner."""
    probe = folder / ".probe"
    probe.touch()
    mode = probe.stat().st_mode
    probe.unlink()
    for path in folder.rglob("*.safetensors"):
        path.chmod(mode)
