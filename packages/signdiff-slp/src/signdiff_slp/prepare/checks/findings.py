"""What was found wrong with a corpus; as a table, as CSV and as JSON."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from signdiff_core.atomic import replacing
from signdiff_slp.prepare.checks.table import Sentence

PUBLISHED: Final = {"train": 31_047, "dev": 1_739, "test": 2_343}
"""Segments of How2Sign that the paper has after processing."""

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
    """One thing that is wrong with a clip; ``detail`` has numbers, and the file or line."""

    clip: str
    kind: Kind
    detail: str

    @property
    def drops(self) -> bool:
        """Whether the clip, or this line of the table, is left out."""
        return self.kind not in KEPT


@dataclass(frozen=True, kw_only=True)
class Findings:
    """All that is wrong, in the order of the table, then clips without text; and the sentences that are usable.

    ``sentences`` and ``clips`` count all there are (``None`` if no clips were given); ``untimed`` clips do not tell how
    long they last, so that no duration was compared.
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


def as_text(findings: Findings, split: str | None = None) -> str:
    """Write a table of what was found: of each kind its count, share and an example.

    With a split (train, dev or test), the published count is put beside the counts.
    """
    summary = as_json(findings, split)
    clips = "" if findings.clips is None else f", {findings.clips:,} clips"
    published = f"; published: {summary['published']:,}" if split else ""
    lines = [f"{findings.sentences:,} sentences{clips}; {len(findings.kept):,} sentences kept{published}"]
    if summary["kinds"]:
        lines.append(f"{'finding':<18}{'count':>8}{'share':>8}  {'':<8}example")
    for kind, row in summary["kinds"].items():
        drops = "dropped" if row["drops"] else "kept"
        lines.append(f"{kind:<18}{row['count']:>8,}{row['share']:>8.1%}  {drops:<8}{row['example']}")
    if findings.untimed:
        lines.append(f"{findings.untimed:,} clips do not tell how long they last: --fps says it of keypoints")
    return "\n".join(lines)


def as_json(findings: Findings, split: str | None = None) -> dict[str, Any]:
    """Collect the counts, and what is dropped and why."""
    kinds: dict[str, dict[str, Any]] = {}
    for kind, count in findings.counts().items():
        example = next(finding for finding in findings.found if finding.kind == kind)
        total = findings.clips if kind == "clip without text" else findings.sentences
        kinds[kind] = {
            "count": count,
            "share": count / total if total else 0.0,
            "drops": example.drops,
            "example": f"{example.clip}: {example.detail}",
        }
    return {
        "sentences": findings.sentences,
        "clips": findings.clips,
        "kept": len(findings.kept),
        "untimed": findings.untimed,
        "published": PUBLISHED[split] if split else None,
        "kinds": kinds,
        "dropped": [
            {"clip": finding.clip, "kind": finding.kind, "detail": finding.detail} for finding in findings.dropped
        ],
    }


def write_csv(findings: Findings, path: Path) -> None:
    """Write every finding as a line of clip, kind, whether that drops it, and detail."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["clip", "kind", "dropped", "detail"])
        for finding in findings.found:
            writer.writerow([finding.clip, finding.kind, "yes" if finding.drops else "no", finding.detail])
