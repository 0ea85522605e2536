"""What an engine is given to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Part = TypeVar("Part")
"""A part of a job, such as the clips of a shard. It is pickled."""

Some = TypeVar("Some", contravariant=True)


class Work(Protocol[Some]):
    """How one part of a job is done. It is pickled, and called in other processes.

    What `process` stores is there whole or not at all, and depends on nothing but the part: a part may be done again.
    """

    def begin(self) -> None:
        """Set up a process, before each part or once."""

    def process(self, part: Some, lethal: Collection[str] = ()) -> object:
        """Do a part, unless it is stored already.

        An item of the part that fails is stored as such and stops nothing.

        Args:
            part: what to do.
            lethal: names of items that killed a process; they are stored as failures and not touched again.

        Raises:
            OSError: the part cannot be stored, which ends the job.
        """

    def rehearse(self, item: Any) -> object:
        """Do one item for nothing, to see whether the process lives through it. Errors of the item do not matter."""

    def items(self, part: Some) -> Mapping[str, Any]:
        """Name the items of a part that can kill a process: what `rehearse` takes, by name."""

    def is_stored(self, part: Some) -> bool:
        """Tell whether a part is done."""
