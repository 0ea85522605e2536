"""When and how a command is ended."""

from __future__ import annotations

import random
import signal
from dataclasses import dataclass
from typing import Final

_OF_WRITING: Final = 0.6
"""Share of the moments that lie after the first thing that is written; before lie imports, most of a short run."""


@dataclass(frozen=True)
class Moment:
    """When and how a command is ended.

    Attributes:
        share: of the time of an undisturbed run.
        of_writing: of the time from the first thing that is written on.
        number: what ends it.
        group: signal all of its processes, as schedulers and terminals do, or the first alone.
    """

    share: float
    of_writing: bool
    number: signal.Signals
    group: bool

    def __str__(self) -> str:
        part = " of writing" if self.of_writing else ""
        return f"{self.number.name}{' of all' if self.group else ''} at {self.share:.2f}{part}"


def moments(count: int, seed: str) -> list[Moment]:
    """Draw when and how a command is ended, in turn by SIGTERM and SIGKILL."""
    draw = random.Random(seed)
    drawn = []
    for place in range(count):
        of_writing = draw.random() < _OF_WRITING
        share = draw.uniform(0, 1) if of_writing else draw.uniform(0.05, 1.02)
        number = (signal.SIGTERM, signal.SIGKILL)[place % 2]
        drawn.append(Moment(share, of_writing, number, draw.random() < 0.5))
    return drawn
