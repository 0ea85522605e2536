"""A comparison as a table for people and as JSON for machines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from signdiff_eval.reports.scores import to_dict

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

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


def print_comparison(comparison: Comparison, console: Console, *, details: bool = False) -> None:
    """Print a comparison: scores by systems in one table, signatures below.

    Args:
        comparison: what to print.
        console: where.
        details: print a table for each score instead, with the differences from the baseline.
    """
    report = comparison.reports[comparison.baseline]
    console.print(
        f"{report.pairs} sequences; scores with 95% intervals, and against {comparison.baseline} the p-values of "
        "paired bootstrap and approximate randomisation, * below 0.05",
        highlight=False,
        markup=False,
    )
    if details:
        for index, key in enumerate(comparison.keys):
            console.print(_one_score(comparison, index, key))
    else:
        console.print(_all_scores(comparison))
    for score in report.scores:
        console.print(str(score.signature), soft_wrap=True, highlight=False, markup=False)
    tests = "|".join(f"{name}:{value}" for name, value in comparison.settings.items())
    console.print(f"tests|{tests}", soft_wrap=True, highlight=False, markup=False)


def _all_scores(comparison: Comparison) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table("metric", show_lines=True)
    for name in comparison.reports:
        table.add_column(escape(name), justify="right")
    for index, key in enumerate(comparison.keys):
        first = comparison.reports[comparison.baseline].scores[index]
        row = [f"{key}\nideal {first.ideal:g}\nceiling {first.ceiling:.4f}"]
        for name, report in comparison.reports.items():
            interval, difference = comparison.intervals[name, key], comparison.differences.get((name, key))
            cell = f"{report.scores[index].value:.4f}\n\\[{interval.low:.4f}, {interval.high:.4f}]"
            if difference is not None:
                cell += f"\np {_p(difference.p_bootstrap)} {_p(difference.p_randomization)}"
            row.append(cell)
        table.add_row(*row)
    return table


def _one_score(comparison: Comparison, index: int, key: str) -> Table:
    from rich.markup import escape
    from rich.table import Table

    first = comparison.reports[comparison.baseline].scores[index]
    table = Table("system", title=f"{key} (ideal {first.ideal:g}, ceiling {first.ceiling:.4f})", title_justify="left")
    for column in ("score", "low", "high", "difference", "p boot.", "p rand."):
        table.add_column(column, justify="right", no_wrap=True)
    for name, report in comparison.reports.items():
        interval, difference = comparison.intervals[name, key], comparison.differences.get((name, key))
        numbers = (report.scores[index].value, interval.low, interval.high)
        beside = ("baseline", "", "")
        if difference is not None:
            beside = (f"{difference.value:+.4f}", _p(difference.p_bootstrap), _p(difference.p_randomization))
        table.add_row(escape(name), *(f"{number:.4f}" for number in numbers), *beside)
    return table


def _p(value: float) -> str:
    return f"{value:.4f}".removeprefix("0") + ("*" if value < 0.05 else "")
