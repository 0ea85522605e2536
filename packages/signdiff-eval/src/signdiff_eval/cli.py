"""The command ``signdiff-eval``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signdiff_eval import __version__
from signdiff_eval.commands.audit import audit
from signdiff_eval.commands.compare import compare
from signdiff_eval.commands.settings import from_signatures, reading_of, reading_options, signature_option

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from signdiff_eval.scoring import Protocol

_EXISTING = click.Path(exists=True, path_type=Path)


@click.group(no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="signdiff-eval")
def commands() -> None:
    """Score sign language production, each score with its signature and its ceiling."""


@commands.command()
@click.option(
    "--ref", "reference", type=_EXISTING, required=True, help="Folder (or file) of reference poses or videos."
)
@click.option("--hyp", "hypothesis", type=_EXISTING, required=True, help="The system's output, files named alike.")
@click.option("--video", is_flag=True, help="Score videos (SSIM) and not poses.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--fps",
    type=click.FloatRange(min=0, min_open=True),
    help="Frame rate at which poses are compared, by linear interpolation; SLRTP 2025 compares 25 fps at 12.5.",
)
@click.option(
    "--protocol",
    type=click.Choice(["free", "gt-timing"]),
    default="free",
    show_default=True,
    help="How the hypotheses were made: freely, or told the reference's timing. Goes into the signature.",
)
@reading_options
@signature_option
@click.option("--debug", is_flag=True, help="Show where an error comes from.")
def score(
    *,
    reference: Path,
    hypothesis: Path,
    video: bool,
    as_json: bool,
    fps: float | None,
    protocol: Protocol,
    texts: Path | None,
    translator: str | None,
    signatures: tuple[str, ...],
    debug: bool,
) -> None:
    """Compare a system's poses or videos with their references.

    Poses get dtw_mje, dtw_pt, total_distance and avg_duration, videos ssim. With --texts, poses are translated back to
    text and get bleu1..4, chrf, rouge, wer and cer, too. The ceiling is the same score on the reference itself.
    """
    del debug  # read by main(), before the command line is parsed
    if video and fps is not None:
        raise click.UsageError("--fps is for poses; videos are compared frame by frame.")
    if video and texts is not None:
        raise click.UsageError("--texts is for poses.")
    from signdiff_eval.readers import PoseFormats, is_video, pair_up
    from signdiff_eval.report import print_table, to_json
    from signdiff_eval.scoring import score_poses, score_videos

    old = from_signatures(signatures, fps=fps, texts=texts, video=video)
    if old is not None:
        fps, protocol = old.fps, old.protocol
    reading = reading_of(texts, translator)
    if video:
        report = score_videos(_watched(pair_up(reference, hypothesis, is_video)), protocol=protocol)
    else:
        formats = PoseFormats()
        pairs = pair_up(reference, hypothesis, formats.matches)
        report = score_poses(
            _watched(pairs),
            fps=fps,
            protocol=protocol,
            formats=formats,
            metrics=old.metrics if old else None,
            reading=reading,
        )
    if old is not None:
        old.check(report)
    if as_json:
        click.echo(to_json(report))
        return
    from rich.console import Console

    print_table(report, Console())


commands.add_command(audit)
commands.add_command(compare)


def _watched(pairs: Sequence[Any]) -> Iterable[Any]:
    if not sys.stderr.isatty():
        return pairs
    from rich.console import Console
    from rich.progress import track

    return track(pairs, description="scoring", console=Console(stderr=True), transient=True)


def main() -> None:
    """Run the command: exit status 0 on success, 2 for wrong use, 1 for failure with one line on stderr."""
    try:
        status = commands.main(standalone_mode=False)
    except click.ClickException as error:
        _fail(error.format_message(), error.exit_code)
    except (ValueError, OSError, ImportError) as error:
        if "--debug" in sys.argv:
            raise
        _fail(str(error), 1)
    except click.Abort:
        _fail("interrupted.", 130)
    else:
        sys.exit(status if isinstance(status, int) else 0)


def _fail(message: str, status: int) -> None:
    click.echo(f"signdiff-eval: error: {' '.join(message.split())}", err=True)
    sys.exit(status)
