"""A pool of processes, which survives the death of one."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

from signdiff_slp.prepare.shards import process
from signdiff_slp.prepare.steps import rehearse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Any

    from signdiff_slp.prepare.plan import Shard
    from signdiff_slp.prepare.settings import Settings


def run_local(
    shards: Sequence[Shard], settings: Settings, folder: Path, *, workers: int, done: Callable[[Shard], None]
) -> None:
    """Process shards.

    Args:
        shards: those that are not stored yet.
        settings: what is done to each clip.
        folder: where shards are stored.
        workers: how many processes; each computes with one thread.
        done: is told each shard that is stored.

    Raises:
        OSError: a shard cannot be stored. Those that were are kept.
    """
    left = _run(shards, settings, folder, workers, done)
    while left:
        # A process died: of a clip, or because the machine killed it. Which shard it had is not known.
        for shard in left[:workers]:
            _rescue(shard, settings, folder)
            done(shard)
        left = _run(left[workers:], settings, folder, workers, done)


def _run(
    shards: Sequence[Shard], settings: Settings, folder: Path, workers: int, done: Callable[[Shard], None]
) -> list[Shard]:
    """Process shards until a process dies; gives those that are left then, the ones that it may have had first."""
    finished: set[int] = set()
    with _pool(min(workers, max(1, len(shards)))) as pool:
        futures = {pool.submit(process, shard, settings, folder): shard for shard in shards}
        try:
            for future in as_completed(futures):
                future.result()
                finished.add(futures[future].number)
                done(futures[future])
        except BrokenProcessPool:
            pass
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    left = [shard for shard in shards if shard.number not in finished]
    stored = [shard for shard in left if (folder / shard.file).exists()]
    for shard in stored:
        done(shard)
    return [shard for shard in left if shard not in stored]


def _rescue(shard: Shard, settings: Settings, folder: Path) -> None:
    """Process a shard alone; if that kills the process again, find the clips that do it, and leave them out."""
    if _survives(process, shard, settings, folder):
        return
    lethal = [task.name for task in shard.tasks if not _survives(rehearse, task, settings)]
    # Should it be all of them together that need too much, none is left.
    if not _survives(process, shard, settings, folder, lethal):
        process(shard, settings, folder, [task.name for task in shard.tasks])


def _survives(function: Callable[..., Any], *arguments: Any) -> bool:
    with _pool(1) as pool:
        try:
            pool.submit(function, *arguments).result()
        except BrokenProcessPool:
            return False
    return True


def _pool(workers: int) -> ProcessPoolExecutor:
    # Not by fork: torch's threads do not survive it.
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=one_thread)


def one_thread() -> None:
    """Have this process compute with one thread: sums come out the same wherever it runs."""
    import torch

    torch.set_num_threads(1)
