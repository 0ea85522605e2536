"""Reports and comparisons as tables for people and as JSON for machines."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from signdiff_eval.reports.compare import Comparison
from signdiff_eval.scoring import Report


def to_dict(report: Report) -> dict[str, Any]:
    """Turn a report into one JSON object: score keys to value, ceiling, ideal and signature, in full precision."""
    scores = {
        score.signature.name: {
            "score": score.value,
            "ceiling": score.ceiling,
            "ideal": score.ideal,
            "signature": str(score.signature),
        }
        for score in report.scores
    }
    hypothesis, reference = report.absent
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
    table = Table("metric", title=f"{report.pairs} clip{'s' * (report.pairs != 1)}")
    for column in ("score", "ceiling (reference against itself)", "ideal"):
        table.add_column(column, justify="right")
    for score in report.scores:
        table.add_row(score.signature.name, f"{score.value:.4f}", f"{score.ceiling:.4f}", f"{score.ideal:g}")
    console.print(table)
    if any(report.absent):
        console.print(
            f"joints absent and filled in: reference {report.absent[1]}, hypothesis {report.absent[0]}", soft_wrap=True
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


_JOIN: Final = "\N{NO-BREAK SPACE}"

ALPHA: Final = 0.05
"""p-values below it get a star."""


def to_json(comparison: Comparison) -> str:
    """Write a comparison as one JSON object: each system as `to_dict` has it, each of its scores with an ``interval``.

    Beside it a ``difference`` with its own interval and both p-values, but for the baseline.
    """
    systems: dict[str, Any] = {}
    for name, report in comparison.reports.items():
        systems[name] = to_dict(report)
        for key in comparison.keys:
            interval = comparison.intervals.get((name, key))
            systems[name][key]["interval"] = None if interval is None else [interval.low, interval.high]
            difference = comparison.differences.get((name, key))
            if difference is not None:
                apart = [difference.interval.low, difference.interval.high]
                systems[name][key]["difference"] = asdict(difference) | {"interval": apart}
    tests = comparison.settings | {"smallest_p": comparison.smallest_p}
    content = {"baseline": comparison.baseline, "tests": tests, "systems": systems}
    return json.dumps(content, indent=2, allow_nan=False)


def too_few(comparison: Comparison) -> str:
    """Say that there are too few sequences for any difference to be significant; empty if there are enough."""
    if comparison.smallest_p < ALPHA or len(comparison.reports) < 2:
        return ""
    count = comparison.reports[comparison.baseline].pairs
    return (
        f"{count} sequence{'s' * (count != 1)}: no p-value below {_p(comparison.smallest_p)} is possible, so no "
        "difference can be significant; at least 6 are needed"
    )


def print_comparison(comparison: Comparison, console: Console, *, details: bool = False) -> None:
    """Print scores by systems in one table, signatures below; with details, a table and differences for each score.

    Where the console is too narrow for a table, each system has lines of its own: no name or number is ever cut.
    """
    report = comparison.reports[comparison.baseline]
    console.print(
        f"{report.pairs} clips; scores with 95% intervals, and against {comparison.baseline} the p-values of "
        f"paired bootstrap and approximate randomisation{tried(comparison)}, * below {ALPHA:g}",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    table = None if details else _all_scores(comparison)
    if table is not None and _fits(table, console):
        console.print(table)
    else:
        for key in comparison.keys:
            table = _one_score(comparison, key)
            if _fits(table, console):
                console.print(table)
            else:
                console.print(_as_lines(comparison, key), highlight=False, markup=False, overflow="fold")
    print_unscored(comparison.unscored, console)
    for score in report.scores:
        console.print(str(score.signature), soft_wrap=True, highlight=False, markup=False)
    tests = "|".join(f"{name}:{value}" for name, value in comparison.settings.items())
    console.print(f"tests|{tests}", soft_wrap=True, highlight=False, markup=False)


def _all_scores(comparison: Comparison) -> Table:
    table = Table("metric", show_lines=True)
    for name in comparison.reports:
        table.add_column(escape(name), justify="right")
    for key in comparison.keys:
        first = comparison.reports[comparison.baseline].score(key)
        row = [f"{key}\nideal {first.ideal:g}\nceiling {first.ceiling:.4f}"]
        for name in comparison.reports:
            score, interval, _, p_values = _cells(comparison, name, key)
            row.append(
                "\n".join(escape(cell) for cell in (score, interval, p_values and f"p{_JOIN}{p_values}") if cell)
            )
        table.add_row(*row)
    return table


def _one_score(comparison: Comparison, key: str) -> Table:
    table = Table("system", title=_title(comparison, key), title_justify="left")
    for column in ("score", "95% interval", "difference", "p boot. rand."):
        table.add_column(column, justify="right")
    for name in comparison.reports:
        table.add_row(escape(name), *(escape(cell) for cell in _cells(comparison, name, key)))
    return table


def _as_lines(comparison: Comparison, key: str) -> str:
    lines = [_title(comparison, key)]
    for name in comparison.reports:
        score, interval, difference, p_values = _cells(comparison, name, key)
        lines += [f"  {name}", f"    {score} {interval}".rstrip()]
        if difference:
            lines.append(f"    {difference}" + (f"  p {p_values}" if p_values else ""))
    return "\n".join(lines)


def _cells(comparison: Comparison, name: str, key: str) -> tuple[str, str, str, str]:
    """Write a system's score, its interval, its difference from the baseline, and the p-values of that."""
    score, interval = comparison.reports[name].score(key), comparison.intervals.get((name, key))
    written = "" if interval is None else f"[{interval.low:.4f},{_JOIN}{interval.high:.4f}]"
    difference = comparison.differences.get((name, key))
    if difference is None:
        return f"{score.value:.4f}", written, "baseline" if name == comparison.baseline else "", ""
    p_values = f"{_p(difference.p_bootstrap)}{_JOIN}{_p(difference.p_randomization)}"
    return f"{score.value:.4f}", written, f"{difference.value:+.4f}", p_values


def _title(comparison: Comparison, key: str) -> str:
    first = comparison.reports[comparison.baseline].score(key)
    return f"{key} (ideal {first.ideal:g}, ceiling {first.ceiling:.4f})"


def tried(comparison: Comparison) -> str:
    """Say whether all ways to exchange the systems were tried."""
    return " (exact)" if any(difference.exact for difference in comparison.differences.values()) else ""


def _fits(table: Table, console: Console) -> bool:
    """Tell whether a table fits as it is: of what is wider, rich cuts names and numbers without a word."""
    return console.measure(table, options=console.options.update(max_width=10_000)).maximum <= console.width


def _p(value: float) -> str:
    return f"{value:.4f}".removeprefix("0") + ("*" if value < ALPHA else "")
