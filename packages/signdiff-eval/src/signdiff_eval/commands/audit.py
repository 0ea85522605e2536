"""``signdiff-eval audit``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signdiff_eval.commands.options import existing, warn

if TYPE_CHECKING:
    from signdiff_eval.audit import Audit


@click.command()
@click.argument("folder", metavar="DIR", type=existing)
@click.option("--ref", "reference", type=existing, help="The references.  [default: DIR/ref, if there is one]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--strict", is_flag=True, help="Exit with status 1 if anything is found.")
@click.option("--debug", is_flag=True, help="Show where an error comes from.")
def audit(*, folder: Path, reference: Path | None, as_json: bool, strict: bool, debug: bool) -> int:
    """Tell what makes the scores of the poses in DIR incomparable.

    DIR holds a system's poses, or a folder ref of references and a folder for each system. Frozen poses, hypotheses
    longer than their reference, copied ground truth, first frames or counters that are the reference's, empty or NaN
    frames, frame rates or scales that differ, mirrored skeletons: each with the file.
    """
    del debug  # read by main(), before the command line is parsed
    from signdiff_eval.audit import audit as run
    from signdiff_eval.provenance import marks_warning

    systems = [folder]
    if reference is None and (folder / "ref").is_dir():
        reference = folder / "ref"
        systems = [path for path in sorted(folder.glob("[!.]*")) if path.is_dir() and path.name != "ref"]
    if not systems:
        raise click.UsageError(f"{folder} holds references, but no folder of a system.")
    found = {path.name: run(path, reference) for path in systems}
    if warning := marks_warning(list(dict.fromkeys(one for result in found.values() for one in result.marked))):
        warn(f"{warning}.")
    if as_json:
        click.echo(to_json(found))
    else:
        _print(found, without_reference=reference is None)
    return int(strict and any(result.findings for result in found.values()))


def to_json(found: dict[str, Audit]) -> str:
    """Write audits as one JSON object: system to counts and findings."""
    return json.dumps(
        {
            name: {
                "files": result.files,
                "pairs": result.pairs,
                "counts": result.counts(),
                "findings": [asdict(one) for one in result.findings],
            }
            for name, result in found.items()
        },
        indent=2,
    )


def _print(found: dict[str, Audit], *, without_reference: bool) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from signdiff_eval.audit import KINDS

    console = Console()
    for name, result in found.items():
        console.print(
            f"{escape(name)}: {result.files} files, {result.pairs} pairs, {len(result.findings)} findings",
            soft_wrap=True,
        )
        if not result.findings:
            continue
        table = Table("finding", "file", "detail")
        for one in result.findings:
            table.add_row(one.kind, escape(one.file), escape(one.detail))
        console.print(table)
        for kind, count in result.counts().items():
            console.print(f"{kind}: {count} ({KINDS[kind]})", soft_wrap=True, highlight=False)
    if without_reference:
        console.print("without --ref, nothing was compared with references", soft_wrap=True)
