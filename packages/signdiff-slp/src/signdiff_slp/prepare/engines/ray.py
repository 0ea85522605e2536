"""The shards with Ray Data: on all machines of a cluster that share the folders, or on this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signdiff_core import engines
from signdiff_slp.prepare.engines.work import ShardWork

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from signdiff_slp.prepare.plan import Shard
    from signdiff_slp.prepare.settings import Settings


def run_ray(
    shards: Sequence[Shard], settings: Settings, folder: Path, *, workers: int, done: Callable[[Shard], None]
) -> None:
    """Process shards: arguments and errors as for `local.run_local`.

    Raises:
        ModuleNotFoundError: the extra ``signdiff-slp[prepare]`` is not installed.
    """
    work = ShardWork(settings, folder)
    for shard in engines.run_ray(shards, work, workers=workers, extra="signdiff-slp[prepare]"):
        done(shard)
