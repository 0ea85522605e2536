"""What is killed: a command that writes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

Words = list[str | Path]

LOGS: Final = r"(^|/)(logs|tb|tensorboard|cache)/|\.log$|(^|/)metrics/"
"""Files that no two runs have alike."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command that writes.

    Attributes:
        name: for people.
        line: its words, of the folder of inputs and of the folder to write to.
        again: words that are added to go on after an interruption.
        older: whether there is an older output, of another run, that must stay whole until the new one is.
        volatile: files that no two runs have alike: logs, and what tells times.
        is_quick: whether it takes seconds; the short campaign has these.
        stdout: whether what it prints is its output, too.
        once: whether it refuses to make what is there.
        before: a command whose output it needs, in the folder to write to.
    """

    name: str
    line: Callable[[Path, Path], Words]
    again: tuple[str, ...] = ()
    older: str = ""
    volatile: str = r"$^"
    is_quick: bool = False
    stdout: bool = False
    once: bool = False
    before: Callable[[Path, Path], Words] | None = None


def script(name: str, *words: str | Path) -> Words:
    """The words of an installed command."""
    return [Path(sys.executable).parent / name, *words]


def module(name: str, *words: str | Path) -> Words:
    """The words of a module that is run."""
    return [sys.executable, "-m", name, *words]
