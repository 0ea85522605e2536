"""What a command answers that lacks its subcommand: what there is to choose from."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import argparse


def answer_missing(parser: argparse.ArgumentParser, metavar: str = "COMMAND") -> None:
    """Have a parser print its help and exit with 2, unless one of its subcommands runs."""
    parser.set_defaults(run=partial(_answer, parser, metavar))


def _answer(parser: argparse.ArgumentParser, metavar: str, _arguments: argparse.Namespace) -> NoReturn:
    parser.print_help(sys.stderr)
    parser.exit(2, f"\n{parser.prog}: error: a {metavar} is missing, one of those above\n")
