"""The command ``signdiff-slp``: texts to poses, and the corpora and vocabularies for it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from signdiff_slp import __version__
from signdiff_slp.commands.corpus import add_corpus, add_vocabulary
from signdiff_slp.commands.curves import add_curves
from signdiff_slp.commands.parser import CommandParser, SubcommandParser, answer_missing, run_command
from signdiff_slp.commands.prepare import add_check, add_prepare
from signdiff_slp.commands.sign import add_sign
from signdiff_slp.commands.step import add_step


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command: 0 for success, 1 for failure, 130 after Ctrl-C, 143 after SIGTERM; 2 for wrong use."""
    parser = CommandParser(prog="signdiff-slp", description="Text to pose, and corpora for it.")
    parser.add_argument("--version", action="version", version=f"signdiff-slp {__version__}")
    parser.add_argument("--debug", action="store_true", help="show where an error comes from")
    answer_missing(parser)
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=SubcommandParser)
    for add in (add_corpus, add_check, add_prepare, add_step, add_vocabulary, add_sign, add_curves):
        add(commands)
    known = parser.parse_args(argv)
    return run_command(parser, lambda: known.run(known), kept="nothing half-written was left", debug=known.debug)


if __name__ == "__main__":
    sys.exit(main())
