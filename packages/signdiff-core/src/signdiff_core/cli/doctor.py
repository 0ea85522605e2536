"""``signdiff doctor``: what is installed, what is missing, and what each missing part would bring."""

from __future__ import annotations

import json
from typing import Any

import click

from signdiff_core.cli.debug import debug_option


@click.command(short_help="Say what is installed and what is missing.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@debug_option
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Say which parts are installed, on what device models run, and how to get what is missing."""
    from signdiff_core.cli.diagnosis import diagnose

    findings = diagnose()
    if as_json:
        click.echo(json.dumps(findings, indent=2))
    else:
        click.echo("\n".join(_lines(findings)))
    if not findings["ready"]:
        context.exit(1)


def _lines(findings: dict[str, Any]) -> list[str]:
    lines = [f"Python {findings['python']} on {findings['platform']}", f"Models run on: {findings['device']}"]
    lines.append(f"Video: {findings['video']}")
    lines += ["", "Parts:"]
    for part in findings["parts"]:
        if part["installed"]:
            versions = ", ".join(f"{name} {version}" for name, version in part["versions"].items())
            lines.append(f"  + {part['name']}: {versions}")
        else:
            missing = f" (missing: {', '.join(part['missing'])})" if part["missing"] != [part["name"]] else ""
            lines.append(f"  - {part['name']}{missing}: would bring {part['brings']}")
            lines.append(f"      {part['install']}")
    if findings["broken_plugins"]:
        lines += ["", "Plug-ins that do not load:", *(f"  ! {reason}" for reason in findings["broken_plugins"])]
    if not findings["ready"]:
        verdict = "This installation is broken: see above."
    elif all(part["installed"] for part in findings["parts"]):
        verdict = "This installation is ready."
    else:
        verdict = "This installation is ready, but for what the parts marked - would bring."
    return [*lines, "", verdict]
