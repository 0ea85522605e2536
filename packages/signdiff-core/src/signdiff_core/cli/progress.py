"""Progress bars, on a terminal only."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Item = TypeVar("Item")


def track(items: Iterable[Item], *, total: int, what: str, done: int = 0) -> Iterator[Item]:
    """Pass items on, with a bar on stderr if that is a terminal.

    Args:
        items: what is worked through.
        total: how many there will be, with those that are done.
        what: word before the bar.
        done: how many were done before.

    Yields:
        The items.

    Example:
        >>> list(track("ab", total=2, what="letters"))
        ['a', 'b']
    """
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, completed=done)
        for item in items:
            yield item
            bar.advance(task)
