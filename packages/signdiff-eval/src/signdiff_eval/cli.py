"""The command ``signdiff-eval``."""

import sys
import warnings

import click

from signdiff_eval import __version__
from signdiff_eval.commands.audit import audit
from signdiff_eval.commands.compare import compare
from signdiff_eval.commands.options import warn
from signdiff_eval.commands.score import score
from signdiff_eval.console import one_line, unwind_on_sigterm, word_and_status


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="signdiff-eval")
@click.option("--debug", is_flag=True, expose_value=False, help="Show where an error comes from.")  # see main()
@click.pass_context
def commands(context: click.Context) -> None:
    """Score sign language production, each score with its signature and its ceiling."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(2)


for command in (score, compare, audit):
    commands.add_command(command)


def main() -> None:
    """Run the command: status 0 for success, 2 wrong use, 1 failure (one line on stderr), 130 Ctrl-C, 143 SIGTERM."""
    unwind_on_sigterm()
    warnings.showwarning = warn
    status: object = 0
    try:
        # Not by click's own main, which writes an empty line before it tells of Ctrl-C.
        with commands.make_context("signdiff-eval", sys.argv[1:]) as context:
            status = commands.invoke(context)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as error:
        _fail(error.format_message(), error.exit_code)
    except (ValueError, OSError, ImportError) as error:
        if "--debug" in sys.argv:
            raise
        _fail(str(error), 1)
    except (KeyboardInterrupt, click.Abort) as stop:
        word, code = word_and_status(stop)
        click.echo(f"signdiff-eval: {word}; nothing half-written was left.", err=True)
        sys.exit(code)
    else:
        sys.exit(status if isinstance(status, int) else 0)


def _fail(message: str, status: int) -> None:
    click.echo(f"signdiff-eval: error: {one_line(message)}", err=True)
    sys.exit(status)
