"""What runs a long job in shards, and resumes it: processes of this machine, or Ray.

Both call the same work, so bytes are the same. `plan` divides a job into shards, `run` does those that are not stored
yet, and a `Manifest` tells later what was made. ``signdiff prepare-frames``, ``signdiff-slp prepare`` and
``python -m signdiff_core.avatar.frames`` are such jobs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from signdiff_core.engines.local import run_local
from signdiff_core.engines.manifest import Manifest, finished, is_made
from signdiff_core.engines.ray import check_ray, run_ray
from signdiff_core.engines.work import (
    Item,
    Shard,
    Work,
    content_hash,
    noting_what_is_kept,
    plan,
    signature,
    versions,
)

__all__ = [
    "Manifest",
    "Shard",
    "Work",
    "check_ray",
    "content_hash",
    "finished",
    "is_made",
    "noting_what_is_kept",
    "plan",
    "run",
    "run_local",
    "run_ray",
    "signature",
    "versions",
]


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
