"""What ``score`` and ``compare`` are both asked: their shared options, and what follows from them."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signdiff_eval.console import one_line

if TYPE_CHECKING:  # which load numpy
    from signdiff_eval.metrics import VideoMetric
    from signdiff_eval.reports.reproduce import OldReport
    from signdiff_eval.scoring import BackTranslation, Protocol

existing = click.Path(exists=True, path_type=Path)
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


def frame_rate(_context: click.Context, _option: click.Parameter, value: float | None) -> float | None:
    """Check an option of frames per second (a BadParameter): click's own range of numbers lets NaN through."""
    if value is None:  # and nothing is imported
        return None
    from signdiff_eval.readers.poses import MAX_FPS, MIN_FPS

    if not MIN_FPS <= value <= MAX_FPS:
        raise click.BadParameter(f"must be a number from {MIN_FPS:g} to {MAX_FPS:g}, but is {value:g}.")
    return value


_SHARED = (
    click.option("--video", is_flag=True, help="Score videos (SSIM, flicker) instead of poses."),
    click.option("--hands", is_flag=True, help="With --video: score hands, which MediaPipe finds."),
    click.option("--fid", is_flag=True, help="With --video: Fréchet inception distance."),
    click.option("--fid-weights", type=_file, help="Weights of pytorch-fid's network; else those in torch's cache."),
    click.option("--text", "as_text", is_flag=True, help="Score text files line by line, instead of poses."),
    click.option(
        "--ceiling", type=_file, help="With --text: what the translator made of the references' poses, line by line."
    ),
    click.option("--tokenize", default="none", show_default=True, help="With --text: sacrebleu's tokenizer for BLEU."),
    click.option(
        "--fps",
        type=float,
        callback=frame_rate,
        help="Frame rate at which poses are compared, by linear interpolation; SLRTP 2025 compares 25 fps at 12.5.",
    ),
    click.option(
        "--protocol",
        type=click.Choice(["free", "gt-timing"]),
        help="How the hypotheses were made: freely, or with the reference's timing. Goes into the signature.  "
        "[default: what their mark says, else free]",
    ),
    click.option(
        "--texts",
        type=_file,
        help="What the references say: lines 'name<TAB>text', or one text a line in the order of the names. "
        "Poses are then translated back, and scored as text.",
    ),
    click.option(
        "--translator",
        metavar="NAME",
        help="What reads the poses: bundled (fingerspelling), a folder, or module:callable.  [default: bundled]",
    ),
    click.option(
        "--signature",
        "signatures",
        multiple=True,
        metavar="SIGNATURE|FILE",
        help="Repeat exactly what an old report computed, from its signatures or its JSON; fail if that is impossible.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    click.option("--debug", is_flag=True, help="Show where an error comes from."),  # read by main(), before all else
)


def shared_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that become an `Asked`, and ``--json`` and ``--debug``."""
    for option in reversed(_SHARED):
        command = option(command)
    return command


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The shared options, each by its name."""

    video: bool
    hands: bool
    fid: bool
    fid_weights: Path | None
    as_text: bool
    ceiling: Path | None
    tokenize: str
    fps: float | None
    protocol: Protocol | None
    texts: Path | None
    translator: str | None
    signatures: tuple[str, ...]

    def check(self, *, slrtp: bool = False, **for_poses: Any) -> None:
        """Make sure that options fit each other, and the command's own ``for_poses``; a UsageError if not."""
        kinds = {"--video": self.video, "--text": self.as_text, "--slrtp": slrtp}
        given = [kind for kind, wanted in kinds.items() if wanted]
        if len(given) > 1:
            raise click.UsageError(f"{' and '.join(given)} exclude each other.")
        needing = {
            "--video": {"--hands": self.hands, "--fid": self.fid, "--fid-weights": self.fid_weights},
            "--text": {"--ceiling": self.ceiling, "--tokenize": self.tokenize != "none"},
        }
        for kind, options in needing.items():
            for option, value in options.items():
                if value and not kinds[kind]:
                    raise click.UsageError(f"{option} needs {kind}.")
        poses = {"fps": self.fps, "texts": self.texts, "translator": self.translator, **for_poses}
        for name, value in poses.items():
            if value not in (None, False) and given and given[0] != "--slrtp":
                raise click.UsageError(f"--{name.replace('_', '-')} is for poses.")
        if self.signatures and (self.as_text or slrtp):
            raise click.UsageError("--signature is of poses or videos.")

    def old_report(self) -> OldReport | None:
        """Take the settings out of ``--signature``, None without one."""
        if not self.signatures:
            return None
        if self.fps is not None:
            raise click.UsageError("--fps must not be given with --signature, which tells it.")
        from signdiff_eval.reports.reproduce import read_signatures

        old = read_signatures(self.signatures)
        if old.needs_texts and self.texts is None:
            raise click.UsageError("--signature names scores of texts, which need --texts.")
        if old.video != self.video:
            wrong = "--signature is of videos: add --video." if old.video else "--signature is of poses."
            raise click.UsageError(wrong)
        return old

    def back_translation(self) -> BackTranslation | None:
        """Load the translator that was asked for."""
        if self.texts is None:
            if self.translator is not None:
                raise click.UsageError("--translator needs --texts, which tells what the references say.")
            return None
        from signdiff_eval.backtranslation.translator import Guarded, load_translator, settings_of
        from signdiff_eval.scoring import BackTranslation

        spec = self.translator or "bundled"
        loaded = load_translator(spec)
        return BackTranslation(self.texts, Guarded(loaded, spec), settings_of(loaded, spec))

    def video_metrics(self) -> Callable[[], list[VideoMetric]]:
        """Load what the metrics of videos need, and give a function that makes them anew for each system."""
        from signdiff_eval.metrics import FID, MediaPipeHands
        from signdiff_eval.scoring import video_metrics

        detector = MediaPipeHands() if self.hands else None
        weights = str(self.fid_weights) if self.fid_weights else None
        loaded = FID(weights=weights) if self.fid or weights else None

        def make() -> list[VideoMetric]:
            own = copy.copy(loaded)
            if own is not None:
                own.reset()
            return video_metrics(hands=detector, fid=own)

        return make


def check_files(**files: Path) -> None:
    """Make sure that what holds sentences is a file; a UsageError if one is none."""
    for name, path in files.items():
        if not path.is_file():
            raise click.UsageError(f"--{name} must be a file with --text, but {path} is none.")


def warn(message: Warning | str, *_: Any, **__: Any) -> None:
    """Print a warning in one line."""
    click.echo(f"signdiff-eval: warning: {one_line(message)}", err=True)


def watched(name: str, pairs: Sequence[Any]) -> Iterable[Any]:
    """Pass pairs on, with a progress bar on a terminal."""
    if not sys.stderr.isatty():
        return pairs
    from rich.console import Console
    from rich.progress import track

    return track(pairs, description=name, console=Console(stderr=True), transient=True)
