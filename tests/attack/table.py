"""The table at the end: a line a case."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from attack.verdict import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterable


class Tally:
    """Counts what came of a case's inputs."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.counts: Counter[str] = Counter()
        self.seconds = self.most_seconds = self.most_mib = 0.0
        self.slowest = 0

    def add(self, number: int, answer: dict[str, Any]) -> None:
        """Count an input."""
        self.counts[answer["verdict"]] += 1
        self.seconds += answer["seconds"]
        if answer["seconds"] > self.most_seconds:
            self.most_seconds, self.slowest = answer["seconds"], number
        self.most_mib = max(self.most_mib, answer["mib"])

    @property
    def findings(self) -> int:
        """How many inputs went wrong."""
        return self.counts.total() - self.counts["read"] - self.counts["refused"]


def table(tallies: Iterable[Tally], wall: float) -> str:
    """Write the table.

    Args:
        tallies: of the cases.
        wall: seconds that all took.
    """
    rows = [["case", "inputs", *VERDICTS, "MiB", "s", "ms each", "slowest"]]
    whole: Counter[str] = Counter()
    for tally in tallies:
        count = tally.counts.total()
        whole += tally.counts
        rows.append(
            [
                tally.name,
                *map(str, (count, *(tally.counts[verdict] for verdict in VERDICTS))),
                f"{tally.most_mib:.0f}",
                f"{tally.most_seconds:.2f}",
                f"{1000 * tally.seconds / max(1, count):.1f}",
                str(tally.slowest),
            ]
        )
    rows.append(
        ["all", *map(str, (whole.total(), *(whole[verdict] for verdict in VERDICTS))), "", f"{wall:.0f}", "", ""]
    )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows)
