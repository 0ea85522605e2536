"""``signdiff-eval compare``."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from signdiff_eval.commands.options import Asked, check_files, existing, shared_options, warn, watched


@click.command()
@click.option("--ref", "reference", type=existing, required=True, help="Folder (or file) of references.")
@click.option(
    "--sys",
    "systems",
    multiple=True,
    required=True,
    metavar="[NAME=]DIR",
    help="A system's output, files named as the references; once for each system.",
)
@click.option("--baseline", help="The system that the others are compared with.  [default: the first]")
@click.option("--controls", is_flag=True, help="Add ground truth, a frozen mean pose, and shuffled ground truth.")
@click.option("--details", is_flag=True, help="A table for each score, with the differences from the baseline.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a report with plots, one file that opens offline.",
)
@click.option("--samples", type=click.IntRange(1), default=1000, show_default=True, help="Bootstrap samples.")
@click.option(
    "--trials", type=click.IntRange(1), default=10000, show_default=True, help="Trials of approximate randomisation."
)
@click.option("--seed", type=click.IntRange(0), default=12345, show_default=True, help="Seed of samples and trials.")
@shared_options
def compare(
    *,
    reference: Path,
    systems: tuple[str, ...],
    baseline: str | None,
    controls: bool,
    details: bool,
    html: Path | None,
    samples: int,
    trials: int,
    seed: int,
    as_json: bool,
    debug: bool,
    **given: Any,
) -> None:
    """Compare systems' poses, videos or texts on the same references.

    Scores with 95% intervals, and for each system its difference from the baseline with the p-values of a paired
    bootstrap and of approximate randomisation, as sacrebleu computes them; exact ones where there are few sequences.
    """
    named = _named(systems)
    if baseline is not None and baseline not in named:
        raise click.UsageError(f"--baseline must be one of {', '.join(named)}, but is {baseline!r}.")
    asked = Asked(**given)
    asked.check(controls=controls)
    if html is not None:
        _check_page(html)
    from signdiff_eval.reports.compare import compare, compare_texts, compare_videos

    old = asked.old_report()
    if old is not None:
        asked = replace(asked, fps=old.fps, protocol=old.protocol)
    shared: dict[str, Any] = {"baseline": baseline, "samples": samples, "trials": trials, "seed": seed}
    stated = asked.protocol or "free"
    if asked.as_text:
        check_files(ref=reference, **{f"sys {name}": path for name, path in named.items()})
        comparison = compare_texts(
            named, reference, protocol=stated, ceiling=asked.ceiling, tokenize=asked.tokenize, **shared
        )
    elif asked.video:
        metrics: Any = old.metrics if old else asked.video_metrics()
        comparison = compare_videos(named, reference, protocol=stated, metrics=metrics, watch=watched, **shared)
    else:
        comparison = compare(
            named,
            reference,
            controls=controls,
            fps=asked.fps,
            protocol=asked.protocol,
            metrics=old.metrics if old else None,
            back_translation=asked.back_translation(),
            watch=watched,
            **shared,
        )
    if old is not None:
        for report in comparison.reports.values():
            old.check(report)
    from rich.console import Console

    from signdiff_eval.provenance import marks_warning
    from signdiff_eval.reports.tables import print_comparison, to_json, too_few

    for warning in (too_few(comparison), marks_warning(comparison.marked)):
        if warning:
            warn(f"{warning}.")
    if html is not None:
        from signdiff_eval.reports.html import write_html

        write_html(comparison, html)
    if as_json:
        click.echo(to_json(comparison))
    else:
        print_comparison(comparison, Console(), details=details)


def _named(systems: tuple[str, ...]) -> dict[str, Path]:
    named: dict[str, Path] = {}
    for text in systems:
        name, equals, path = text.partition("=")
        place = Path(path if equals else text)
        name = name if equals else place.name
        if not place.exists():
            raise click.BadParameter(f"{place} does not exist.", param_hint="--sys")
        if not name or name in named:
            raise click.BadParameter(f"names must be unique and not empty, but one is {name!r}.", param_hint="--sys")
        named[name] = place
    return named


def _check_page(html: Path) -> None:
    """Make sure, before work is spent, that a page of this name can be written."""
    if html.suffix.lower() not in (".html", ".htm"):
        raise click.BadParameter(f"must be a file that ends in .html, but is {html}.", param_hint="--html")
    if not html.absolute().parent.is_dir():
        raise click.BadParameter(f"{html.parent} must be a folder, but is none.", param_hint="--html")
