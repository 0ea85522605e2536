"""The ``signdiff`` command.

Exit status: 0 success, 2 wrong use (the command line cannot be obeyed as it stands), 1 failure (while at work), 130
after Ctrl-C, 143 after SIGTERM. An error is one line on stderr; ``--debug`` shows the traceback too.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence

import click

from signdiff_core import __version__
from signdiff_core.cli.convert import convert
from signdiff_core.cli.draw import draw
from signdiff_core.cli.generate import generate, translate
from signdiff_core.cli.installation import doctor, plugins
from signdiff_core.cli.options import debug_option
from signdiff_core.cli.output import FAILURE, print_error, print_warning
from signdiff_core.cli.prepare_frames import prepare_frames
from signdiff_core.cli.render import estimate, render
from signdiff_core.interruption import unwind_on_sigterm

__all__ = ["main", "run", "signdiff"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="signdiff")
@debug_option
def signdiff() -> None:
    """Turn text into a video of a signer, in one step or in two: text to pose, pose to video."""


for _command in (generate, translate, render, draw, estimate, convert, prepare_frames, plugins, doctor):
    signdiff.add_command(_command)


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: what follows ``signdiff`` on the command line.

    Returns:
        The exit status.
    """
    context = None
    try:
        context = signdiff.make_context("signdiff", list(arguments))
        with context, warnings.catch_warnings():
            warnings.showwarning = print_warning
            signdiff.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as end:
        return end.exit_code
    except BrokenPipeError:
        # The reader has left, as `head` does; Python would complain once more when it closes the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    # The command's outer edge: whatever happened becomes one line and an exit status.
    except (Exception, KeyboardInterrupt) as error:
        return print_error(error, debug=context is not None and bool(context.meta.get("signdiff.debug")))
    return 0


def main() -> None:
    """Run the command with the process's arguments, and end the process."""
    unwind_on_sigterm()
    sys.exit(run(sys.argv[1:]))
