"""What an attack on one reader is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Tree = dict[str, bytes]
"""An input: the files of a folder, by their path in it."""

LARGEST = 1_000_000
"""What no coordinate is above, in pixels or any unit that is in use."""


class Garbage(AssertionError):
    """Something was read that no file of its kind can mean."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A reader under attack.

    Attributes:
        name: what ``--case`` takes.
        seeds: each writes the files of one sound input into the empty folder that it is given.
        read: reads an input from its folder and checks what came out; `Garbage` if that is no data. What it writes
            goes into ``out`` beside that folder.
        refuses: the documented errors; one whose library is slow to load by its name, ``module:Class``.
        real: patterns of files below ``SIGNDIFF_REALDATA``, and the name that a file takes in the input.
        reseal: brings checksums up to date in every other input, so that damage gets past them.
        aimed: what of an input is damaged, by a part of its name; all of it if empty.
        weight: share of the inputs; fast readers have more.
        memory: bound in MiB, beyond what the process held before.
        seconds: bound of processor time.
    """

    name: str
    seeds: tuple[Callable[[Path], object], ...]
    read: Callable[[Path], object]
    refuses: tuple[type[Exception] | str, ...] = (ValueError, OSError)
    real: tuple[tuple[str, str], ...] = ()
    reseal: Callable[[Tree], Tree] | None = None
    aimed: tuple[str, ...] = field(default=())
    weight: float = 1.0
    memory: int = 256
    seconds: int = 10


def tree_of(folder: Path) -> Tree:
    """Take a folder's files."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def plant(tree: Tree, folder: Path) -> None:
    """Write a folder's files."""
    for name, content in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def check_numbers(what: str, numbers: Any, *, most: float = LARGEST, absent: bool = False) -> None:
    """Make sure that numbers are finite (or, where some may be absent, NaN) and bounded."""
    plain = np.ma.filled(np.ma.asarray(numbers).astype(np.float64), np.nan if absent else 0.0)
    if not absent and not np.isfinite(plain).all():
        raise Garbage(f"{what} are not finite")
    if plain.size and (np.abs(plain[~np.isnan(plain)]) > most).any():
        raise Garbage(f"{what} reach {np.nanmax(np.abs(plain)):g}")


def check(right: bool, what: str) -> None:
    """Make sure that something holds of what was read."""
    if not right:
        raise Garbage(what)
