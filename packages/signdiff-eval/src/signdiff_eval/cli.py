"""The command ``signdiff-eval``."""

from __future__ import annotations

import sys

import click

from signdiff_eval import __version__
from signdiff_eval.commands.audit import audit
from signdiff_eval.commands.compare import compare
from signdiff_eval.commands.score import score


@click.group(no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="signdiff-eval")
def commands() -> None:
    """Score sign language production, each score with its signature and its ceiling."""


for command in (score, compare, audit):
    commands.add_command(command)


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
