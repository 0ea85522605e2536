"""Findings as a table, as CSV and as JSON."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from signdiff_core.atomic import replacing
from signdiff_slp.prepare.checks.check import PUBLISHED

if TYPE_CHECKING:
    from pathlib import Path

    from signdiff_slp.prepare.checks.findings import Findings


def as_text(findings: Findings, split: str | None = None) -> str:
    """Write a table of what was found: of each kind its count, share and an example.

    Args:
        findings: of `check`.
        split: train, val or test: the published count is put beside the counts.
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
    """Write every finding as a line of clip, kind, whether that drops it, and detail.

    Raises:
        OSError: the file cannot be written.
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["clip", "kind", "dropped", "detail"])
        for finding in findings.found:
            writer.writerow([finding.clip, finding.kind, "yes" if finding.drops else "no", finding.detail])
