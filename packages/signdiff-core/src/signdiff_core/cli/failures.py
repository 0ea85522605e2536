"""Errors as a user sees them: one line on stderr, and an exit status."""

from __future__ import annotations

import traceback

import click

from signdiff_core.interruption import exit_status, word_for
from signdiff_core.wording import one_line

FAILURE, WRONG_USE = 1, 2


def report(error: BaseException, *, debug: bool) -> int:
    """Print an error and choose the exit status.

    Args:
        error: what ended the command.
        debug: print the traceback before the line.

    Returns:
        The exit status.
    """
    if debug:
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        kept = one_line(_notes(error) or "nothing half-written was left")
        click.echo(f"signdiff: {word_for(error)}; {kept}.", err=True)
        return exit_status(error)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
    else:
        notes = _notes(error)
        line = f"{_line(error).rstrip().rstrip('.')}; {notes}." if notes else _line(error)
        click.echo(f"signdiff: error: {one_line(line)}", err=True)
    return _status(error)


def show_warning(message: Warning | str, category: type[Warning], *_place: object, **_more: object) -> None:
    """Print a warning about the user's files or texts in one line, and a library's only with ``--debug``."""
    context = click.get_current_context(silent=True)
    # The packages of this project warn with classes of their own.
    ours = category.__module__.startswith("signdiff_")
    if ours or (context is not None and context.meta.get("signdiff.debug")):
        click.echo(f"signdiff: note: {one_line(message)}", err=True)


def _status(error: BaseException) -> int:
    from signdiff_core.plugins import UnknownPluginError

    if isinstance(error, click.ClickException):
        return error.exit_code
    return WRONG_USE if isinstance(error, UnknownPluginError) else FAILURE


def _notes(error: BaseException) -> str:
    """What the command adds to an error, such as what was kept."""
    return "; ".join(getattr(error, "__notes__", ()))


def _line(error: BaseException) -> str:
    from signdiff_core.plugins import PluginError, UnknownPluginError

    if isinstance(error, click.UsageError):
        help_of = f" (see: {error.ctx.command_path} --help)" if error.ctx is not None else ""
        text = f"{error.format_message()}{help_of}"
    elif isinstance(error, click.ClickException):
        text = error.format_message()
    elif isinstance(error, OSError) and error.strerror and error.filename:
        text = f"{error.filename}: {error.strerror}."
    elif isinstance(error, (ValueError, OSError, PluginError, UnknownPluginError)):
        text = str(error)
    else:
        text = f"{type(error).__name__}: {error} (--debug shows where)"
    return text
