"""Ray Data: the shards on all machines of a cluster that share the folders, or on this one."""

from __future__ import annotations

import logging
import os
from functools import partial
from typing import TYPE_CHECKING, Any

from signdiff_slp.prepare.engines.local import one_thread, run_local
from signdiff_slp.prepare.shards import process

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from signdiff_slp.prepare.plan import Shard
    from signdiff_slp.prepare.settings import Settings


def run_ray(
    shards: Sequence[Shard], settings: Settings, folder: Path, *, workers: int, done: Callable[[Shard], None]
) -> None:
    """Process shards: arguments and errors as for `local.run_local`.

    A cluster is found as Ray finds it (``RAY_ADDRESS``); without one, Ray starts on this machine with ``workers``
    processes. A shard whose worker died is tried again by Ray, and at last by a pool of this machine.

    Raises:
        ModuleNotFoundError: the extra ``signdiff-slp[prepare]`` is not installed.
    """
    try:
        import ray
        import ray.data
    except ModuleNotFoundError:
        raise ModuleNotFoundError("the engine ray needs Ray: pip install 'signdiff-slp[prepare]'.") from None

    started = not ray.is_initialized()
    if started:
        ray.init(**_cluster_or(workers), log_to_driver=False, include_dashboard=False, logging_level="error")
    try:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.max_errored_blocks = -1
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        numbered = {shard.number: shard for shard in shards}
        work = partial(_process, shards=ray.put(numbered), settings=settings, folder=folder)
        rows = ray.data.from_items([{"number": number} for number in numbered], override_num_blocks=len(numbered))
        for row in rows.map(work, num_cpus=1, compute=ray.data.TaskPoolStrategy(size=workers)).iter_rows():
            done(numbered.pop(row["number"]))
    finally:
        if started:
            ray.shutdown()
    run_local(list(numbered.values()), settings, folder, workers=workers, done=done)


def _process(row: dict[str, Any], shards: Any, settings: Settings, folder: Path) -> dict[str, Any]:
    import ray

    one_thread()
    process(ray.get(shards)[row["number"]], settings, folder)
    return row


def _cluster_or(workers: int) -> dict[str, Any]:
    return {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers}
