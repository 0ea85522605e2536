"""What a long job left out, by cause: thousands of names say less than three reasons."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from signdiff_core.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WITHOUT: Final = re.compile(r"^(text|clip|pose|video)s? without ")
"""Something has no partner: mostly a folder that holds a part of a corpus, and not what went wrong."""

_OWN: Final = re.compile(r"\S*[/\\]\S*|'[^']*'|\"[^\"]*\"|\d[\d.,:]*")
"""What differs between losses of one cause: paths, names and numbers."""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Losses that have one cause.

    Attributes:
        count: how many there are.
        name: of the first of them.
        reason: of the first of them.
    """

    count: int
    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.count:,} as {self.of_first}"

    @property
    def of_first(self) -> str:
        """Name and reason of the first, in one line; of very long ones, beginning and end."""
        return f"{_shown(self.name, 100)}: {_shown(self.reason, 400)}"


def by_cause(left_out: Iterable[tuple[str, str]]) -> list[Cause]:
    """Group losses by cause, the telling ones first: failures before what has no partner, then the most frequent.

    Args:
        left_out: names, and why each was left out.

    Example:
        >>> lost = [("a", "text without clip: t.tsv, line 1"), ("b", "text without clip: t.tsv, line 2")]
        >>> for cause in by_cause([*lost, ("c", "c.mp4: expected a video, but it is damaged")]):
        ...     print(cause)
        1 as c: c.mp4: expected a video, but it is damaged
        2 as a: text without clip: t.tsv, line 1
    """
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, reason in left_out:
        alone = _WITHOUT.match(reason)
        key = " ".join(reason.split()[:3]) if alone else _OWN.sub("…", reason.replace(name, "…"))
        groups.setdefault(key, []).append((name, reason))
    causes = [Cause(count=len(group), name=group[0][0], reason=group[0][1]) for group in groups.values()]
    return sorted(causes, key=lambda cause: (bool(_WITHOUT.match(cause.reason)), -cause.count))


def told(left_out: Sequence[tuple[str, str]], *, most: int = 8) -> list[str]:
    """Write losses for people: a line a cause.

    Args:
        left_out: names, and why each was left out.
        most: lines; what is beyond them is counted.

    Example:
        >>> told([("a", "text without clip"), ("b", "text without clip")])
        ['       2  such as a: text without clip']
    """
    causes = by_cause(left_out)
    lines = [f"{cause.count:>8,}  {'such as ' * (cause.count > 1)}{cause.of_first}" for cause in causes[:most]]
    if causes[most:]:
        lines.append(f"{sum(cause.count for cause in causes[most:]):>8,}  for {len(causes) - most} other reasons")
    return lines


def _shown(text: str, most: int) -> str:
    line = one_line(text)
    return line if len(line) <= most else f"{line[: most // 2]}…{line[-(most // 2) :]}"
