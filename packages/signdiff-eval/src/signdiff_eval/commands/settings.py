"""Options that ``score`` and ``compare`` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signdiff_eval.console import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from signdiff_eval.metrics.image import VideoMetric
    from signdiff_eval.reports.reproduce import OldReport
    from signdiff_eval.scoring import Reading


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--texts`` and ``--translator``."""
    for decorate in (
        click.option(
            "--translator",
            metavar="NAME",
            help="What reads the poses: bundled (fingerspelling), a folder, or module:callable.  [default: bundled]",
        ),
        click.option(
            "--texts",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="What the references say: lines 'name<TAB>text', or one a line in the order of the names. "
            "Poses are then translated back, and scored as text.",
        ),
    ):
        command = decorate(command)
    return command


def video_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--video`` and what is for videos alone."""
    for decorate in (
        click.option(
            "--fid-weights",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Weights of pytorch-fid's network; else those in torch's cache.",
        ),
        click.option("--fid", is_flag=True, help="With --video: Fréchet inception distance."),
        click.option("--hands", is_flag=True, help="With --video: score hands, which MediaPipe finds."),
        click.option("--video", is_flag=True, help="Score videos (SSIM, flicker) and not poses."),
    ):
        command = decorate(command)
    return command


def text_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--text`` and what is for files of sentences alone."""
    for decorate in (
        click.option(
            "--tokenize", default="none", show_default=True, help="With --text: sacrebleu's tokenizer for BLEU."
        ),
        click.option(
            "--ceiling",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="With --text: what the translator made of the references' own poses, line by line.",
        ),
        click.option("--text", "as_text", is_flag=True, help="Score text files, line by line, and not poses."),
    ):
        command = decorate(command)
    return command


def check_kinds(kinds: dict[str, bool], needing: Sequence[tuple[str, Any, str]]) -> None:
    """Make sure that options fit each other.

    Args:
        kinds: options that say what is scored, and whether they were given.
        needing: option, its value, and the one of ``kinds`` that it is for; an empty one is for poses.

    Raises:
        click.UsageError: they don't.
    """
    given = [kind for kind, wanted in kinds.items() if wanted]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} exclude each other.")
    for option, value, kind in needing:
        if value in (None, False, ()):
            continue
        if not kind and given and given[0] != "--slrtp":
            raise click.UsageError(f"{option} is for poses.")
        if kind and not kinds[kind]:
            raise click.UsageError(f"{option} needs {kind}.")


def fresh_video_metrics(*, hands: bool, fid: bool, weights: Path | None) -> Callable[[], list[VideoMetric]]:
    """Load what the metrics of videos need, and give a function that makes them anew for each system."""
    import copy

    from signdiff_eval.metrics import FID, MediaPipeHands
    from signdiff_eval.scoring import video_metrics

    detector = MediaPipeHands() if hands else None
    loaded = FID(weights=str(weights) if weights else None) if fid or weights else None

    def make() -> list[VideoMetric]:
        own = copy.copy(loaded)
        if own is not None:
            own.reset()
        return video_metrics(hands=detector, fid=own)

    return make


def check_files(**files: Path) -> None:
    """Make sure that what holds sentences is a file.

    Raises:
        click.UsageError: one is none.
    """
    for name, path in files.items():
        if not path.is_file():
            raise click.UsageError(f"--{name} must be a file with --text, but {path} is none.")


def warn(message: Warning | str, *_: Any, **__: Any) -> None:
    """Print a warning in one line."""
    click.echo(f"signdiff-eval: warning: {one_line(message)}", err=True)


def frame_rate(_context: click.Context, _option: click.Parameter, value: float | None) -> float | None:
    """Check an option of frames per second: click's own range of numbers lets NaN through.

    Raises:
        click.BadParameter: it is no rate that can be worked with; click names the option.
    """
    if value is None:  # and nothing is imported
        return None
    from signdiff_eval.readers.poses import MAX_FPS, MIN_FPS

    if not MIN_FPS <= value <= MAX_FPS:
        raise click.BadParameter(f"must be a number from {MIN_FPS:g} to {MAX_FPS:g}, but is {value:g}.")
    return value


existing = click.Path(exists=True, path_type=Path)

protocol_option = click.option(
    "--protocol",
    type=click.Choice(["free", "gt-timing"]),
    help="How the hypotheses were made: freely, or told the reference's timing. Goes into the signature.  "
    "[default: what their mark tells, else free]",
)

signature_option = click.option(
    "--signature",
    "signatures",
    multiple=True,
    metavar="SIGNATURE|FILE",
    help="Compute exactly what an old report did, by its signatures or its JSON; an error if that can't be.",
)


def reading_of(texts: Path | None, translator: str | None) -> Reading | None:
    """Load the translator that was asked for."""
    if texts is None:
        if translator is not None:
            raise click.UsageError("--translator needs --texts, which tells what the references say.")
        return None
    from signdiff_eval.backtranslation.translator import Guarded, load_translator, settings_of
    from signdiff_eval.scoring import Reading

    spec = translator or "bundled"
    loaded = load_translator(spec)
    return Reading(texts, Guarded(loaded, spec), settings_of(loaded, spec))


def from_signatures(
    signatures: tuple[str, ...], *, fps: float | None, texts: Path | None, video: bool
) -> OldReport | None:
    """Take the settings out of ``--signature``, None without one."""
    if not signatures:
        return None
    if fps is not None:
        raise click.UsageError("--fps must not be given with --signature, which tells it.")
    from signdiff_eval.reports.reproduce import read_signatures

    old = read_signatures(signatures)
    if old.needs_texts and texts is None:
        raise click.UsageError("--signature names scores of texts, which need --texts.")
    if old.video != video:
        raise click.UsageError("--signature is of videos: add --video." if old.video else "--signature is of poses.")
    return old
