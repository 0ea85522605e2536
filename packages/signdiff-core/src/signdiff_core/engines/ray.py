"""Ray Data: the shards on all machines of a cluster that share the folders, or on this one."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any, Final

from signdiff_core.engines.local import run_local
from signdiff_core.engines.work import Item, Shard, Work

_MOST_ATTEMPTS: Final = 3


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
