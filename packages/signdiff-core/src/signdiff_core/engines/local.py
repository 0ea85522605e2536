"""A pool of processes of this machine, which survives the death of one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from types import FrameType
from typing import Any, Final, NoReturn

from signdiff_core.engines.work import Item, Shard, Work
from signdiff_core.interruption import TERMINATED, Terminated

_GRACE: Final = 10.0
"""Seconds that a process has to clear up after it is asked to end."""


def run_local(shards: Sequence[Shard[Item]], work: Work[Item], *, workers: int) -> Iterator[Shard[Item]]:
    """Do shards in processes of this machine.

    If a process dies, the shards that it may have been doing are tried again one by one. If a shard kills its process
    once more, its items are tried one by one, and those that kill are left out.

    Args:
        shards: those that are not stored yet.
        work: what is done to them.
        workers: how many processes.

    Yields:
        Each shard when it is stored.

    Raises:
        OSError: a shard cannot be stored. Those that were are kept.
    """
    left = yield from _run(shards, work, workers)
    while left:
        # A process died: of an item, or because the machine killed it. Which shard it had is not known.
        for shard in left[:workers]:
            _rescue(shard, work)
            yield shard
        left = yield from _run(left[workers:], work, workers)


def _run(
    shards: Sequence[Shard[Item]], work: Work[Item], workers: int
) -> Generator[Shard[Item], None, list[Shard[Item]]]:
    """Do shards until a process dies; return those that are left then, the ones that it may have had first."""
    finished: set[int] = set()
    others = set(multiprocessing.active_children())
    with _pool(min(workers, max(1, len(shards))), work) as pool:
        futures: dict[Future[object], int] = {}
        try:
            for place, shard in enumerate(shards):  # a process may die before the last shard is handed over
                with _without_ctrl_c():
                    futures[pool.submit(_do, work.process, shard)] = place
            for future in as_completed(futures):
                future.result()
                finished.add(futures[future])
                yield shards[futures[future]]
        except BrokenProcessPool:
            pass
        except Exception:
            pool.shutdown(cancel_futures=True)
            raise
        except BaseException:  # nobody waits for the shards that were begun
            for child in set(multiprocessing.active_children()) - others:
                child.terminate()
            pool.shutdown(cancel_futures=True)
            raise
    left = []
    for place, shard in enumerate(shards):
        if place not in finished:
            if work.is_stored(shard):
                yield shard
            else:
                left.append(shard)
    return left


def _rescue(shard: Shard[Item], work: Work[Item]) -> None:
    """Do a shard alone; if that kills the process again, find the items that do it, and leave them out."""
    if _survives(work, work.process, shard):
        return
    lethal = [name for name in shard.items if not _survives(work, work.attempt, shard, name)]
    # It may take all of them together to kill the process: then none is left.
    if not _survives(work, work.process, shard, lethal):
        work.process(shard, list(shard.items))


def _survives(work: Work[Any], function: Callable[..., Any], *arguments: Any) -> bool:
    with _pool(1, work) as pool:
        try:
            with _without_ctrl_c():
                future = pool.submit(_do, function, *arguments)
            future.result()
        except BrokenProcessPool:
            return False
    return True


def _pool(workers: int, work: Work[Any]) -> ProcessPoolExecutor:
    # Not by fork: threads of libraries do not survive it.
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=spawn, initializer=_begin, initargs=(work,))


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Start processes that ignore Ctrl-C, which a terminal sends to all: only their parent answers it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(work: Work[Any]) -> None:
    """Set up a process of the pool, which ends when its parent says so, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _do(work.begin)


class _Place:
    """Whether this process is at work, or between two shards."""

    at_work = False


def _do(function: Callable[..., Any], *arguments: Any) -> object:
    """Call a function in a process of the pool, which would outlive an exception."""
    try:
        _Place.at_work = True
        return function(*arguments)
    except Terminated:
        os._exit(TERMINATED)  # what it had begun is removed by now
    finally:
        _Place.at_work = False


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """End this process: at once, or after what it has begun is removed."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if not _Place.at_work:
        os._exit(TERMINATED)
    last = threading.Timer(_GRACE, os._exit, [TERMINATED])  # should some library catch it
    last.daemon = True
    last.start()
    raise Terminated


def _end_with_parent() -> None:
    """End this process when its parent dies: nobody else would, and it would keep writing."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(TERMINATED)
