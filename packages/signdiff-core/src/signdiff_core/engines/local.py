"""A pool of processes, which survives the death of one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Final, NoReturn

from signdiff_core.engines.work import Part
from signdiff_core.interruption import TERMINATED, Terminated

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from concurrent.futures import Future
    from types import FrameType

    from signdiff_core.engines.work import Work

_GRACE: Final = 10.0
"""Seconds in which a process that is told to end clears up."""


def run_local(parts: Sequence[Part], work: Work[Part], *, workers: int) -> Iterator[Part]:
    """Do parts of a job in processes of this machine.

    A part whose process died is tried again alone. If it kills that one, too, its items are tried one by one, and those
    that kill are left out.

    Args:
        parts: those that are not stored yet.
        work: what is done to them.
        workers: how many processes.

    Yields:
        Each part when it is stored.

    Raises:
        OSError: a part cannot be stored. Those that were are kept.
    """
    left = yield from _run(parts, work, workers)
    while left:
        # A process died: of an item, or because the machine killed it. Which part it had is not known.
        for part in left[:workers]:
            _rescue(part, work)
            yield part
        left = yield from _run(left[workers:], work, workers)


def _run(parts: Sequence[Part], work: Work[Part], workers: int) -> Generator[Part, None, list[Part]]:
    """Do parts until a process dies; gives those that are left then, the ones that it may have had first."""
    finished: set[int] = set()
    others = set(multiprocessing.active_children())
    with _pool(min(workers, max(1, len(parts))), work) as pool:
        futures: dict[Future[object], int] = {}
        try:
            for number, part in enumerate(parts):  # a process may die before the last part is handed over
                with _without_ctrl_c():
                    futures[pool.submit(_do, work.process, part)] = number
            for future in as_completed(futures):
                future.result()
                finished.add(futures[future])
                yield parts[futures[future]]
        except BrokenProcessPool:
            pass
        except Exception:
            pool.shutdown(cancel_futures=True)
            raise
        except BaseException:  # nobody waits for the parts that were begun
            for child in set(multiprocessing.active_children()) - others:
                child.terminate()
            pool.shutdown(cancel_futures=True)
            raise
    left = []
    for number, part in enumerate(parts):
        if number not in finished:
            if work.is_stored(part):
                yield part
            else:
                left.append(part)
    return left


def _rescue(part: Part, work: Work[Part]) -> None:
    """Do a part alone; if that kills the process again, find the items that do it, and leave them out."""
    if _survives(work, work.process, part):
        return
    items = work.items(part)
    lethal = [name for name, item in items.items() if not _survives(work, work.rehearse, item)]
    # Should it be all of them together that need too much, none is left.
    if not _survives(work, work.process, part, lethal):
        work.process(part, list(items))


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
    """Start processes that Ctrl-C does not reach, which a terminal sends to all: the first of them decides."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(work: Work[Any]) -> None:
    """Set up a process of the pool, which ends when the one that made it says so, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _do(work.begin)


class _Place:
    """Whether this process is at work, or between two parts."""

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
    """End this process: at once, or when what it has begun is removed."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if not _Place.at_work:
        os._exit(TERMINATED)
    last = threading.Timer(_GRACE, os._exit, [TERMINATED])  # should some library catch it
    last.daemon = True
    last.start()
    raise Terminated


def _end_with_parent() -> None:
    """Wait for the death of the process that made this one: nobody else would end it, and it would go on writing."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(TERMINATED)
