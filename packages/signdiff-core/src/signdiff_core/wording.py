"""What commands say of long jobs: one line for each message, and few lines for thousands of clips."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_NAMED: Final = 3

_WITHOUT: Final = re.compile(r"^(text|clip|pose|video)s? without ")
"""Something has no partner: mostly a folder that holds a part of a corpus, and not what went wrong."""

_OWN: Final = re.compile(r"\S*[/\\]\S*|'[^']*'|\"[^\"]*\"|\d[\d.,:]*")
"""What differs between losses of one cause: paths, names and numbers."""


def one_line(text: object) -> str:
    r"""Bring a message into one line of what can be shown.

    Names and texts of others' files may hold codes by which a terminal is steered: all white space becomes spaces,
    control characters become Python's escapes.

    Example:
        >>> print(one_line("no such\n  file: \x1b[31mred"))
        no such file: \x1b[31mred
    """
    joined = " ".join(str(text).split())
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in joined)


def different_settings(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Name the settings in which two runs of a command differ.

    Example:
        >>> different_settings({"fps": 25.0, "steps": 200}, {"fps": 12.5, "steps": 200})
        ['fps was 25.0 and is 12.5']
    """
    names = [name for name in sorted({*was, *now}) if was.get(name) != now.get(name)]
    return [f"{name} was {was.get(name, 'not given')} and is {now.get(name, 'not given')}" for name in names]


def different_clips(was: Mapping[str, str], now: Mapping[str, str], what: str) -> list[str]:
    """Name the clips that are new, gone, or have something else, by a hash of it for each name.

    Example:
        >>> different_clips({"a": "1", "b": "1"}, {"b": "2", "c": "1"}, "text")
        ['1 clips are new (c)', '1 clips are gone (a)', '1 clips have another text (b)']
    """
    return [
        *count_clips(now.keys() - was.keys(), "are new"),
        *count_clips(was.keys() - now.keys(), "are gone"),
        *count_clips([name for name in now if now[name] != was.get(name, now[name])], f"have another {what}"),
    ]


def count_clips(names: Collection[str], what: str) -> list[str]:
    """Count clips, and name some; an empty list for none."""
    if not names:
        return []
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return [f"{len(names):,} clips {what} ({', '.join(sorted(names)[:_NAMED])}{more})"]


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Losses that have one cause: how many, and name and reason of the first."""

    count: int
    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.count:,} as {self.of_first}"

    @property
    def of_first(self) -> str:
        """Name and reason of the first, in one line; of very long ones, beginning and end."""
        return f"{_shortened(self.name, 100)}: {_shortened(self.reason, 400)}"


def by_cause(left_out: Iterable[tuple[str, str]]) -> list[Cause]:
    """Group losses (name, reason) by cause: failures before what has no partner, then the most frequent.

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


def list_causes(left_out: Sequence[tuple[str, str]], *, most: int = 8) -> list[str]:
    """Write losses (name, reason) for people: a line for each cause; what is beyond `most` lines is counted.

    Example:
        >>> list_causes([("a", "text without clip"), ("b", "text without clip")])
        ['       2  such as a: text without clip']
    """
    causes = by_cause(left_out)
    lines = [f"{cause.count:>8,}  {'such as ' * (cause.count > 1)}{cause.of_first}" for cause in causes[:most]]
    if causes[most:]:
        lines.append(f"{sum(cause.count for cause in causes[most:]):>8,}  for {len(causes) - most} other reasons")
    return lines


def _shortened(text: str, most: int) -> str:
    line = one_line(text)
    return line if len(line) <= most else f"{line[: most // 2]}…{line[-(most // 2) :]}"
