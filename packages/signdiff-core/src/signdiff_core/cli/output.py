"""What commands print: what they made, how far they are, warnings, and errors as one line with an exit status."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from signdiff_core.interruption import exit_status, word_for
from signdiff_core.wording import one_line

if TYPE_CHECKING:  # both are heavy to import
    from pose_format import Pose

    from signdiff_core.video.reading import VideoInfo

FAILURE, WRONG_USE = 1, 2

Item = TypeVar("Item")


def print_video(path: Path, info: VideoInfo, *, as_json: bool, **more: object) -> None:
    """Say that a video was written, in a sentence or as JSON with ``more`` entries."""
    if as_json:
        size = {"width": info.width, "height": info.height}
        entries = {"video": str(path), "frames": info.frames, "seconds": info.seconds, "fps": info.fps, **size, **more}
        click.echo(json.dumps(entries))
    else:
        click.echo(f"{path}: {info.frames} frames, {info.seconds:.2f} s of video, {info.width}x{info.height}")


def print_pose(path: Path, pose: Pose, *, as_json: bool) -> None:
    """Say that a pose was written, as JSON or in a sentence."""
    frames, fps = len(pose.body.data), float(pose.body.fps)
    if as_json:
        click.echo(json.dumps({"pose": str(path), "frames": frames, "seconds": frames / fps, "fps": fps}))
    else:
        click.echo(f"{path}: {frames} frames, {frames / fps:.2f} s at {fps:g} frames per second")


def track(items: Iterable[Item], *, total: int, what: str, done: int = 0) -> Iterator[Item]:
    """Pass items on, with a bar on stderr, behind the words `what`, if that is a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, completed=done)
        for item in items:
            yield item
            bar.advance(task)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the name of a file before what is wrong with its content, where the error does not name a file itself."""
    from signdiff_core.formats.files import FormatError

    try:
        yield
    except FormatError:
        raise
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def print_warning(message: Warning | str, category: type[Warning], *_place: object, **_more: object) -> None:
    """Print a warning about the user's files or texts in one line, and a library's only with ``--debug``."""
    context = click.get_current_context(silent=True)
    # The packages of this project warn with classes of their own.
    ours = category.__module__.startswith("signdiff_")
    if ours or (context is not None and context.meta.get("signdiff.debug")):
        click.echo(f"signdiff: note: {one_line(message)}", err=True)


def print_error(error: BaseException, *, debug: bool) -> int:
    """Print what ended the command, and its notes, in one line; choose the exit status."""
    if debug:
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    notes = "; ".join(getattr(error, "__notes__", ()))
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        kept = one_line(notes or "nothing half-written was left")
        click.echo(f"signdiff: {word_for(error)}; {kept}.", err=True)
        return exit_status(error)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return error.exit_code
    line, status = _line_and_status(error)
    line = f"{line.rstrip().rstrip('.')}; {notes}." if notes else line
    click.echo(f"signdiff: error: {one_line(line)}", err=True)
    return status


def _line_and_status(error: BaseException) -> tuple[str, int]:
    from signdiff_core.plugins import PluginError, UnknownPluginError

    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        see = f" (see: {context.command_path} --help)" if context is not None else ""
        return f"{error.format_message()}{see}", error.exit_code
    if isinstance(error, UnknownPluginError):
        return str(error), WRONG_USE
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}.", FAILURE
    if isinstance(error, (ValueError, OSError, PluginError)):
        return str(error), FAILURE
    return f"{type(error).__name__}: {error} (--debug shows where)", FAILURE
