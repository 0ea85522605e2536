"""What does the shards: a pool of processes of this machine, which survives the death of one; or Ray Data.

Ray does them on all machines of a cluster that share the folders, or on this one.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from multiprocessing.connection import wait
from types import FrameType
from typing import Any, Final, Literal, NoReturn

from signdiff_core.engines.work import Item, Shard, Work
from signdiff_core.interruption import TERMINATED, Terminated

_GRACE: Final = 10.0
"""Seconds that a process has to clear up after it is asked to end."""

_MOST_ATTEMPTS: Final = 3


def run(
    shards: Sequence[Shard[Item]], work: Work[Item], *, engine: Literal["local", "ray"], workers: int, extra: str
) -> Iterator[Shard[Item]]:
    """Do the shards that are not stored yet; see `run_local` and `run_ray`.

    Args:
        shards: all of them.
        work: what is done to them.
        engine: processes of this machine, or Ray.
        workers: how many processes.
        extra: what brings Ray, such as ``signdiff-core[prepare]``.

    Yields:
        Each shard that was left, when it is stored.
    """
    left = [shard for shard in shards if not work.is_stored(shard)]
    if engine == "ray":
        return run_ray(left, work, workers=workers, extra=extra)
    return run_local(left, work, workers=workers)


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


def run_ray(shards: Sequence[Shard[Item]], work: Work[Item], *, workers: int, extra: str) -> Iterator[Shard[Item]]:
    """Do shards with Ray Data; otherwise like `run_local`.

    A cluster is found as Ray finds it (``RAY_ADDRESS``); without one, Ray starts on this machine with ``workers``
    processes. A shard whose worker died is tried again by Ray, at most twice, and then by a pool of this machine.

    Args:
        shards: those that are not stored yet.
        work: what is done to them.
        workers: how many processes.
        extra: what brings Ray, such as ``signdiff-core[prepare]``.

    Yields:
        Each shard when it is stored.

    Raises:
        ModuleNotFoundError: Ray is not installed.
        OSError: a shard cannot be stored. Those that were are kept.
    """
    check_ray(extra)
    if not shards:
        return
    import ray
    import ray.data

    started = not ray.is_initialized()
    if started:
        with _keeping_sigterm():
            ray.init(**_cluster_or(workers), log_to_driver=False, include_dashboard=False, logging_level="error")
    left = dict(enumerate(shards))
    try:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.max_errored_blocks = -1
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        attempts = ray.remote(num_cpus=0)(_Attempts).remote()
        process = partial(_process, shards=ray.put(left), work=work, attempts=attempts)
        rows = ray.data.from_items([{"number": number} for number in left], override_num_blocks=len(left))
        for row in rows.map(process, num_cpus=1, compute=ray.data.TaskPoolStrategy(size=workers)).iter_rows():
            if row["stored"]:
                yield left.pop(row["number"])
    finally:
        if started:
            ray.shutdown()
    yield from run_local(list(left.values()), work, workers=workers)


def check_ray(extra: str) -> None:
    """Make sure that Ray is there, before work is spent on what it is to do.

    Args:
        extra: what brings Ray, such as ``signdiff-core[prepare]``.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    try:
        import_module("ray.data")
    except ModuleNotFoundError:
        raise ModuleNotFoundError(f"the engine ray needs Ray: pip install '{extra}'.") from None


@contextmanager
def _keeping_sigterm() -> Iterator[None]:
    """Keep Ray from taking over SIGTERM, which it would answer with the status 15 and no word."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


class _Attempts:
    """Counts how often each shard was begun: without a limit, Ray Data retries one whose worker dies for ever."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def begin(self, number: int) -> int:
        self._counts[number] += 1
        return self._counts[number]


def _process(row: dict[str, Any], shards: Any, work: Work[Any], attempts: Any) -> dict[str, Any]:
    import ray

    stored = ray.get(attempts.begin.remote(row["number"])) <= _MOST_ATTEMPTS
    if stored:
        work.begin()
        work.process(ray.get(shards)[row["number"]])
    return {**row, "stored": stored}


def _cluster_or(workers: int) -> dict[str, Any]:
    return {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers}
