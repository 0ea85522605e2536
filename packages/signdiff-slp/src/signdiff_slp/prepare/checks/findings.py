"""What was found wrong with a corpus."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from signdiff_slp.prepare.checks.table import Sentence

Kind = Literal[
    "text without clip",
    "clip without text",
    "broken file",
    "nobody",
    "no duration",
    "negative time",
    "past the end",
    "duplicated id",
    "empty sentence",
    "other duration",
    "no motion",
    "other frame rate",
    "video missing",
    "duplicated clip",
]
"""What can be wrong."""

KEPT: Final[frozenset[Kind]] = frozenset(
    {"other duration", "no motion", "other frame rate", "video missing", "duplicated clip"}
)
"""Kinds that leave a clip usable. All others drop it; of a duplicated id, the first line is kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        clip: its name.
        kind: what is wrong.
        detail: with numbers, and the file or line.
    """

    clip: str
    kind: Kind
    detail: str

    @property
    def drops(self) -> bool:
        """Whether the clip, or this line of the table, is left out."""
        return self.kind not in KEPT


@dataclass(frozen=True, kw_only=True)
class Findings:
    """All that is wrong, and what is left.

    Attributes:
        found: in the order of the table, then clips without text.
        kept: the sentences that are usable.
        sentences: how many there are in all.
        clips: how many clips there are; ``None`` if none were given.
        untimed: of how many clips nothing tells how long they last, so that no duration was compared.
    """

    found: tuple[Finding, ...]
    kept: tuple[Sentence, ...]
    sentences: int
    clips: int | None
    untimed: int = 0

    @property
    def dropped(self) -> tuple[Finding, ...]:
        """Why clips and lines are left out; one that has several reasons comes several times."""
        return tuple(finding for finding in self.found if finding.drops)

    def counts(self) -> dict[Kind, int]:
        """How many findings there are of each kind, most first."""
        return dict(Counter(finding.kind for finding in self.found).most_common())
