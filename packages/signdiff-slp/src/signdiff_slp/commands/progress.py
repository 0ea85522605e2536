"""Progress bars of the commands: on a terminal only, and only where tqdm is installed."""

from __future__ import annotations

import sys
from collections.abc import Sized
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")


class Bar(Protocol):
    """What is told how far the work is."""

    def update(self, n: int, /) -> object:
        """Add to what is done."""

    def close(self) -> None:
        """End the bar."""


class _Nothing:
    def update(self, n: int, /) -> None:
        pass

    def close(self) -> None:
        pass


def progress_bar(total: int | None, name: str, *, unit: str) -> Bar:
    """Start a bar.

    Args:
        total: how much there is to do, if that is known.
        name: of the work.
        unit: of ``total``.
    """
    if sys.stderr.isatty():
        try:
            from tqdm import tqdm
        except ModuleNotFoundError:
            pass
        else:
            bar: Bar = tqdm(total=total, desc=name, unit=unit)
            return bar
    return _Nothing()


def progress(items: Iterable[T], name: str = "clips", *, unit: str = "clip") -> Iterator[T]:
    """Show how far the items are that are taken."""
    bar = progress_bar(len(items) if isinstance(items, Sized) else None, name, unit=unit)
    try:
        for item in items:
            yield item
            bar.update(1)
    finally:
        bar.close()
