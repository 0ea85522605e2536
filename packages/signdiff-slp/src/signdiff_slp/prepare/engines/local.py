"""The shards in a pool of processes, which survives the death of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signdiff_core import engines
from signdiff_slp.prepare.engines.work import ShardWork

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

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
    for shard in engines.run_local(shards, ShardWork(settings, folder), workers=workers):
        done(shard)
