"""What came of a command's kills, and the table of all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MOMENTS = ("before", "while", "after")
"""A run is ended before it has written anything, while it writes, or after its end."""


@dataclass
class Outcome:
    """What came of one command's kills.

    Attributes:
        name: the command's.
        seconds: an undisturbed run's; 0 if there was none yet.
        signals: kills by the signal's name.
        moments: kills by moment, as in :data:`MOMENTS`.
        faults: one text each.
    """

    name: str
    seconds: float = 0.0
    signals: Counter[str] = field(default_factory=Counter)
    moments: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def table(outcomes: Sequence[Outcome]) -> str:
    """A row for each command, and their sum."""
    whole = Outcome(f"all {len(outcomes)}", sum(each.seconds for each in outcomes))
    for each in outcomes:
        whole.signals += each.signals
        whole.moments += each.moments
        whole.faults += each.faults
    heads = ("SIGKILL", "SIGTERM", *MOMENTS, "faults")
    rows = [f"{'command':<28}{'seconds':>8}" + "".join(f"{head:>8}" for head in heads)]
    for each in (*outcomes, whole):
        counts = [each.signals["SIGKILL"], each.signals["SIGTERM"], *(each.moments[moment] for moment in MOMENTS)]
        numbers = "".join(f"{count:8}" for count in (*counts, len(each.faults)))
        rows.append(f"{each.name:<28}{each.seconds:8.1f}{numbers}")
    return "\n".join(rows)
