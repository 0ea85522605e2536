"""A comparison as a table for people and as JSON for machines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from signdiff_eval.reports.scores import to_dict

if TYPE_CHECKING:
    from rich.console import Console

    from signdiff_eval.reports.compare import Comparison


def to_json(comparison: Comparison) -> str:
    """Write a comparison as one JSON object.

    Each system has what `signdiff_eval.reports.scores.to_json` writes of it; each of its scores an ``interval``, and a
    ``difference`` with its own interval and both p-values, but for the baseline.
    """
    systems: dict[str, Any] = {}
    for name, report in comparison.reports.items():
        systems[name] = to_dict(report)
        for key in comparison.keys:
            interval = comparison.intervals[name, key]
            systems[name][key]["interval"] = [interval.low, interval.high]
            difference = comparison.differences.get((name, key))
            if difference is not None:
                systems[name][key]["difference"] = {
                    "value": difference.value,
                    "interval": [difference.interval.low, difference.interval.high],
                    "p_bootstrap": difference.p_bootstrap,
                    "p_randomization": difference.p_randomization,
                }
    content = {"baseline": comparison.baseline, "tests": comparison.settings, "systems": systems}
    return json.dumps(content, indent=2, allow_nan=False)


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print a comparison: a table for each score, signatures below."""
    from rich.markup import escape
    from rich.table import Table

    report = comparison.reports[comparison.baseline]
    console.print(
        f"{report.pairs} sequences; 95% intervals; differences from {escape(comparison.baseline)}, with p-values of "
        "paired bootstrap and approximate randomisation, * below 0.05",
        highlight=False,
    )
    for index, key in enumerate(comparison.keys):
        first = report.scores[index]
        title = f"{key} (ideal {first.ideal:g}, ceiling {first.ceiling:.4f})"
        table = Table("system", title=title, title_justify="left")
        for column in ("score", "low", "high", "difference", "p boot.", "p rand."):
            table.add_column(column, justify="right", no_wrap=True)
        for name, one in comparison.reports.items():
            interval, difference = comparison.intervals[name, key], comparison.differences.get((name, key))
            numbers = (one.scores[index].value, interval.low, interval.high)
            beside = ("baseline", "", "")
            if difference is not None:
                beside = (f"{difference.value:+.4f}", _p(difference.p_bootstrap), _p(difference.p_randomization))
            table.add_row(escape(name), *(f"{number:.4f}" for number in numbers), *beside)
        console.print(table)
    for score in report.scores:
        console.print(str(score.signature), soft_wrap=True, highlight=False, markup=False)
    tests = "|".join(f"{name}:{value}" for name, value in comparison.settings.items())
    console.print(f"tests|{tests}", soft_wrap=True, highlight=False, markup=False)


def _p(value: float) -> str:
    return f"{value:.4f}" + ("*" if value < 0.05 else "")
