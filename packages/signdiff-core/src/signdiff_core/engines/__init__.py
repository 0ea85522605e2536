"""What does a long job in shards, and resumes it: processes of this machine, or Ray.

Both call the same work, so bytes are the same. `plan` divides a job into shards, `run` does those that are not stored
yet, and a `Manifest` tells later what was made. ``signdiff prepare-frames``, ``signdiff-slp prepare`` and
``python -m signdiff_core.avatar.frames`` are such jobs.
"""

from signdiff_core.engines.pools import check_ray, run, run_local, run_ray
from signdiff_core.engines.work import (
    Manifest,
    Shard,
    Work,
    content_hash,
    finished,
    is_made,
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
