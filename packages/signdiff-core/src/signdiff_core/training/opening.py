"""What a training run makes sure of before it begins, and the lines in which it tells what it does."""

from __future__ import annotations

import os
import shutil
import sys
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

from signdiff_core.training.kit.checkpoints import list_checkpoints

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from accelerate import Accelerator
    from torch import Tensor

_RANKS: Final = ("RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK")
"""Where launchers tell a process its number."""


@contextmanager
def own_folder(folder: str, results: Sequence[str], *, resume: str | None, overwrite: bool) -> Iterator[Path]:
    """Keep a run's folder for it alone inside the block; in every process of the run.

    Args:
        folder: ``--output_dir``; it is made.
        results: names of what a run makes there, beside checkpoints; its folders are replaced when it ends.
        resume: ``--resume_from_checkpoint``: its own run may be gone on with.
        overwrite: ``--overwrite_output_dir``: an older run is lost.

    Raises:
        FileExistsError: it holds another run.
        BlockingIOError: another run is at work in it.
    """
    root = Path(folder)
    own = resume is not None and (
        resume == "latest" or (root / resume).is_dir() or Path(resume).resolve().parent == root.resolve()
    )
    found = [path.name for path in list_checkpoints(root)] + [name for name in results if (root / name).exists()]
    if found and not own and not overwrite:
        raise FileExistsError(
            f"output_dir must be new or without a run, but {folder} holds {', '.join(found)}: give "
            "--resume_from_checkpoint latest to go on, or --overwrite_output_dir to lose them."
        )
    is_new, is_main = not root.exists(), not any(int(os.environ.get(name, 0)) for name in _RANKS)
    root.mkdir(parents=True, exist_ok=True)
    try:
        with _locked(root) if is_main else nullcontext():
            if is_main and overwrite and not own:
                for checkpoint in list_checkpoints(root):
                    shutil.rmtree(checkpoint)
                for path in (root / name for name in results if (root / name).is_file()):
                    path.unlink()
            yield root
    except BaseException:
        if is_main and is_new and not any(root.iterdir()):
            root.rmdir()
        raise


def check_precision(accelerator: Accelerator) -> None:
    """Make sure that the device can compute in the precision that was asked for.

    Raises:
        ValueError: it cannot.
    """
    if accelerator.mixed_precision == "fp16" and accelerator.device.type == "cpu":
        raise ValueError("mixed_precision must be no or bf16 on a CPU, but is fp16.")


def tell_start(
    accelerator: Accelerator,
    *,
    samples: str,
    batch: int,
    accumulated: int,
    steps: int,
    trained: Iterable[Tensor],
    locked: Iterable[Tensor] = (),
    output: Path,
) -> None:
    """Tell what a run is, in one line; on the main process.

    Args:
        accelerator: of the run.
        samples: what a batch consists of, such as frames.
        batch: how many on each process.
        accumulated: batches of one optimizer step.
        steps: optimizer steps of the run.
        trained: parameters.
        locked: parameters of networks that run along.
        output: ``--output_dir``.
    """
    world, precision = accelerator.num_processes, accelerator.mixed_precision
    own, other = (sum(weights.numel() for weights in each) for each in (trained, locked))
    product = f"{batch} x {accumulated} accumulated x {world} process{'es' * (world != 1)}"
    tell(
        accelerator,
        f"{world} process{'es' * (world != 1)} on {accelerator.device.type}, precision "
        f"{'float32' if precision == 'no' else f'mixed {precision}'}; {batch * accumulated * world} {samples} a step "
        f"({product}), {steps:,} steps; {own:,} of {own + other:,} parameters trained; to {output}",
    )
    if world == 1 and "MASTER_ADDR" in os.environ and "WORLD_SIZE" not in os.environ:
        # What accelerate launch leaves where it was told of several processes and starts one.
        tell(
            accelerator,
            "note: accelerate launch starts one process on CPUs, whatever --num_processes says; for several: "
            "ACCELERATE_USE_CPU=true torchrun --nproc_per_node N -m ...",
        )


@contextmanager
def telling(accelerator: Accelerator, what: str) -> Iterator[None]:
    """Say that something long begins, and how long it took."""
    tell(accelerator, f"{what} ...")
    start = time.monotonic()
    yield
    tell(accelerator, f"{what}: done in {time.monotonic() - start:.0f} s")


def tell(accelerator: Accelerator, line: str) -> None:
    """Write a line to stderr, above the progress bar; on the main process."""
    if accelerator.is_main_process:
        from tqdm.auto import tqdm

        tqdm.write(line, file=sys.stderr)


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
