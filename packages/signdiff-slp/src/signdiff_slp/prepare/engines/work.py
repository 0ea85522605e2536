"""What an engine does to a shard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from signdiff_slp.prepare.shards import process
from signdiff_slp.prepare.steps import rehearse

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from signdiff_slp.prepare.plan import Shard, Task
    from signdiff_slp.prepare.settings import Settings


@dataclass(frozen=True)
class ShardWork:
    """Prepares shards: a `signdiff_core.engines.Work`.

    Attributes:
        settings: what is done to each clip.
        folder: where shards are stored.
    """

    settings: Settings
    folder: Path

    def begin(self) -> None:
        """Have this process compute with one thread: sums come out the same wherever it runs."""
        import torch

        torch.set_num_threads(1)

    def process(self, shard: Shard, lethal: Collection[str] = ()) -> None:
        """Prepare the clips of a shard, unless it is stored already; see `shards.process`."""
        process(shard, self.settings, self.folder, lethal)

    def rehearse(self, task: Task) -> None:
        """Prepare a clip for nothing."""
        rehearse(task, self.settings)

    def items(self, shard: Shard) -> dict[str, Task]:
        """Give the clips of a shard by name."""
        return {task.name: task for task in shard.tasks}

    def is_stored(self, shard: Shard) -> bool:
        """Tell whether the shard's file is there."""
        return (self.folder / shard.file).exists()
