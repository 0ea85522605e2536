"""``signdiff-eval compare``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signdiff_eval.commands.settings import (
    check_files,
    check_kinds,
    existing,
    frame_rate,
    fresh_video_metrics,
    from_signatures,
    protocol_option,
    reading_of,
    reading_options,
    signature_option,
    text_options,
    video_options,
    warn,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from signdiff_eval.readers import Pair
    from signdiff_eval.scoring import Protocol


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
@video_options
@text_options
@click.option("--details", is_flag=True, help="A table for each score, with the differences from the baseline.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a report with plots, one file that opens offline.",
)
@click.option("--fps", type=float, callback=frame_rate, help="Frame rate at which poses are compared, as in score.")
@protocol_option
@reading_options
@signature_option
@click.option("--samples", type=click.IntRange(1), default=1000, show_default=True, help="Bootstrap samples.")
@click.option(
    "--trials", type=click.IntRange(1), default=10000, show_default=True, help="Of approximate randomisation."
)
@click.option("--seed", type=click.IntRange(0), default=12345, show_default=True, help="Of both.")
@click.option("--debug", is_flag=True, help="Show where an error comes from.")
def compare(
    *,
    reference: Path,
    systems: tuple[str, ...],
    baseline: str | None,
    controls: bool,
    video: bool,
    hands: bool,
    fid: bool,
    fid_weights: Path | None,
    as_text: bool,
    ceiling: Path | None,
    tokenize: str,
    details: bool,
    as_json: bool,
    html: Path | None,
    fps: float | None,
    protocol: Protocol | None,
    texts: Path | None,
    translator: str | None,
    signatures: tuple[str, ...],
    samples: int,
    trials: int,
    seed: int,
    debug: bool,
) -> None:
    """Compare systems' poses, videos or texts on the same references.

    Scores with 95% intervals, and for each system its difference from the baseline with the p-values of a paired
    bootstrap and of approximate randomisation, as sacrebleu computes them; exact ones where there are few sequences.
    """
    del debug  # read by main(), before the command line is parsed
    named = _named(systems)
    if baseline is not None and baseline not in named:
        raise click.UsageError(f"--baseline must be one of {', '.join(named)}, but is {baseline!r}.")
    check_kinds(
        {"--video": video, "--text": as_text},
        (
            *(("--hands", hands, "--video"), ("--fid", fid, "--video"), ("--fid-weights", fid_weights, "--video")),
            *(("--ceiling", ceiling, "--text"), ("--tokenize", tokenize != "none", "--text")),
            *(
                ("--fps", fps, ""),
                ("--texts", texts, ""),
                ("--translator", translator, ""),
                ("--controls", controls, ""),
            ),
        ),
    )
    if signatures and as_text:
        raise click.UsageError("--signature is of poses or videos.")
    if html is not None:
        _check_page(html)
    from signdiff_eval import reports

    old = from_signatures(signatures, fps=fps, texts=texts, video=video)
    protocol = old.protocol if old else protocol
    shared: dict[str, Any] = {"baseline": baseline, "samples": samples, "trials": trials, "seed": seed}
    if as_text:
        check_files(ref=reference, **{f"sys {name}": path for name, path in named.items()})
        comparison = reports.compare_texts(
            named, reference, protocol=protocol or "free", ceiling=ceiling, tokenize=tokenize, **shared
        )
    elif video:
        metrics: Any = old.metrics if old else fresh_video_metrics(hands=hands, fid=fid, weights=fid_weights)
        comparison = reports.compare_videos(
            named, reference, protocol=protocol or "free", metrics=metrics, watch=_watched, **shared
        )
    else:
        comparison = reports.compare(
            named,
            reference,
            controls=controls,
            fps=old.fps if old else fps,
            protocol=protocol,
            metrics=old.metrics if old else None,
            reading=reading_of(texts, translator),
            watch=_watched,
            **shared,
        )
    if old is not None:
        for report in comparison.reports.values():
            old.check(report)
    from signdiff_eval.provenance import told_marks
    from signdiff_eval.reports.tables import print_comparison, to_json, too_few

    for warning in (too_few(comparison), told_marks(comparison.marked)):
        if warning:
            warn(f"{warning}.")
    if html is not None:
        from signdiff_eval.reports.html import write_html

        write_html(comparison, html)
    if as_json:
        click.echo(to_json(comparison))
    else:
        from rich.console import Console

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


def _watched(name: str, pairs: list[Pair]) -> Iterable[Any]:
    if not sys.stderr.isatty():
        return pairs
    from rich.console import Console
    from rich.progress import track

    return track(pairs, description=name, console=Console(stderr=True), transient=True)
