"""``signdiff plugins``: which plug-ins are there, and whether they load."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from signdiff_core.cli.debug import debug_option

if TYPE_CHECKING:
    from signdiff_core.plugins import PluginReport


@click.command(short_help="List the plug-ins and whether they load.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@debug_option
def plugins(as_json: bool) -> None:
    """List the plug-ins with version, origin and load time; one that cannot be loaded says why."""
    from signdiff_core.plugins import try_all

    reports = list(try_all())
    if as_json:
        entries = [
            {
                "group": report.plugin.group,
                "name": report.plugin.name,
                "distribution": report.plugin.distribution,
                "version": report.plugin.version,
                "load_seconds": round(report.load_seconds, 4),
                "error": report.error,
            }
            for report in reports
        ]
        click.echo(json.dumps(entries, indent=2))
        return
    widths = [max([len(row) for row in column] + [4]) for column in zip(*(_cells(r) for r in reports), strict=True)]
    for report in reports:
        cells = "  ".join(cell.ljust(width) for cell, width in zip(_cells(report), widths, strict=True))
        click.echo(f"{cells}  {report.load_seconds:7.3f} s" if report.error is None else f"{cells}  does not load")
    for report in reports:
        if report.error is not None:
            click.echo(f"! {report.error}")


def _cells(report: PluginReport) -> tuple[str, str, str]:
    plugin = report.plugin
    return plugin.kind, plugin.name, f"{plugin.distribution} {plugin.version}"
