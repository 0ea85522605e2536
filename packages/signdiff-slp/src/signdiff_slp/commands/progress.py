"""Progress bars of the commands: on a terminal only, and only where tqdm is installed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

T = TypeVar("T")


def progress(items: Iterable[T], name: str = "clips", *, unit: str = "clip", total: int | None = None) -> Iterator[T]:
    """Show how many of some items are done; ``total`` says how many there will be, if ``items`` does not."""
    if sys.stderr.isatty():
        try:
            from tqdm import tqdm
        except ModuleNotFoundError:
            pass
        else:
            total = len(items) if total is None and isinstance(items, Sized) else total
            yield from tqdm(items, total=total, desc=name, unit=unit)
            return
    yield from items
