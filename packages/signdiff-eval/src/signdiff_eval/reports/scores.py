"""A report as a table for people and as JSON for machines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from signdiff_eval.scoring import Report


def to_json(report: Report) -> str:
    """Write a report as one JSON object: score keys to value, ceiling, ideal and signature.

    Numbers keep full precision.
    """
    return json.dumps(to_dict(report), indent=2, allow_nan=False)


def to_dict(report: Report) -> dict[str, Any]:
    """Turn a report into what `to_json` writes."""
    scores = {
        score.signature.name: {
            "score": score.value,
            "ceiling": score.ceiling,
            "ideal": score.ideal,
            "signature": str(score.signature),
        }
        for score in report.scores
    }
    reference, hypothesis = report.absent
    counts = {"pairs": report.pairs, "absent_joints": {"reference": reference, "hypothesis": hypothesis}}
    hands = {name: {"without_hand": lost, "frames": frames} for name, lost, frames in report.without_hand}
    unscored = {"not_scored": dict(report.unscored)} if report.unscored else {}
    marked = {"marked_references": dict(report.marked)} if report.marked else {}
    return scores | counts | ({"hands": hands} if hands else {}) | unscored | marked


def to_slrtp(report: Report) -> dict[str, Any]:
    """Turn a report into the keys of the SLRTP 2025 challenge, in its order: what was not scored is left out."""
    values = {score.signature.name: score.value for score in report.scores}
    bleu = {name: values.pop(name) for name in ("bleu1", "bleu2", "bleu3", "bleu4") if name in values}
    keys = ("chrf", "rouge", "wer", "dtw_mje", "total_distance", "avg_duration")
    return ({"bleu": bleu} if bleu else {}) | {name: values[name] for name in keys if name in values}


def print_table(report: Report, console: Console) -> None:
    """Print a report: one row a score, its signature below."""
    from rich.table import Table

    table = Table("metric", title=f"{report.pairs} pair{'s' * (report.pairs != 1)}")
    for column in ("score", "ceiling (reference against itself)", "ideal"):
        table.add_column(column, justify="right")
    for score in report.scores:
        table.add_row(score.signature.name, f"{score.value:.4f}", f"{score.ceiling:.4f}", f"{score.ideal:g}")
    console.print(table)
    if any(report.absent):
        console.print(
            f"joints absent and filled in: reference {report.absent[0]}, hypothesis {report.absent[1]}", soft_wrap=True
        )
    for name, lost, frames in report.without_hand:
        console.print(f"{name}: frames without a hand to compare: {lost} of {frames}", soft_wrap=True)
    print_unscored(report.unscored, console)
    for score in report.scores:
        console.print(str(score.signature), soft_wrap=True, highlight=False, markup=False)


def print_unscored(unscored: Iterable[tuple[str, str]], console: Console) -> None:
    """Print which metrics these files give no score, and why."""
    for name, reason in unscored:
        console.print(f"{name}: not scored: {reason}", soft_wrap=True, highlight=False, markup=False)
