"""What all commands of the package share: the parser, its numbers, how a command shows progress, and how it ends."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sized
from functools import partial
from typing import Any, NoReturn, TypeVar

from signdiff_core.interruption import exit_status, unwind_on_sigterm, word_for
from signdiff_core.wording import one_line
from signdiff_slp.text import shown

T = TypeVar("T")


class CommandParser(argparse.ArgumentParser):
    """An argument parser whose errors take one line, without the usage before them."""

    def error(self, message: str) -> NoReturn:
        """Leave with exit status 2."""
        self.exit(2, f"{self.prog}: {one_line(message)} (see {self.prog} --help)\n")


class SubcommandParser(CommandParser):
    """A parser of a subcommand, or of one below it: ``--debug`` may stand before or after its name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help="show where an error comes from"
        )


def number(*, above: float | None = None, most: float | None = None) -> Callable[[str], float]:
    """Make a type of arguments: numbers, finite and greater than ``above``, up to ``most``. NaN is none.

    >>> number(above=0)("12.5")
    12.5
    >>> number(above=0, most=1)("2")
    Traceback (most recent call last):
    ...
    argparse.ArgumentTypeError: must be a number above 0 and up to 1, but is '2'
    """
    bounds = [f"above {above:g}"] if above is not None else []
    bounds += [f"up to {most:g}"] if most is not None else []
    wanted = " ".join(["a number", *([" and ".join(bounds)] if bounds else [])])

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        is_within = (above is None or above < value < math.inf) and (most is None or value <= most)
        if math.isnan(value) or not is_within:
            raise argparse.ArgumentTypeError(f"must be {wanted}, but is {shown(text)}")
        return value

    return read


def whole(least: int | None = None) -> Callable[[str], int]:
    """Make a type of arguments: whole numbers, at least ``least``.

    >>> whole(1)("0")
    Traceback (most recent call last):
    ...
    argparse.ArgumentTypeError: must be a whole number, at least 1, but is '0'
    """
    wanted = "a whole number" if least is None else f"a whole number, at least {least}"

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or (least is not None and value < least):
            raise argparse.ArgumentTypeError(f"must be {wanted}, but is {shown(text)}")
        return value

    return read


def progress(items: Iterable[T], name: str = "clips", *, unit: str = "clip", total: int | None = None) -> Iterator[T]:
    """Show how many of some items are done, on a terminal and where tqdm is installed.

    ``total`` says how many there will be, if ``items`` does not.
    """
    if sys.stderr.isatty():
        try:
            from tqdm import tqdm
        except ModuleNotFoundError:
            pass
        else:
            total = len(items) if total is None and isinstance(items, Sized) else total
            yield from tqdm(items, total=total, desc=name, unit=unit)
            return
    yield from items


def answer_missing(parser: argparse.ArgumentParser, metavar: str = "COMMAND") -> None:
    """Have a parser print its help and exit with 2, unless one of its subcommands runs."""
    parser.set_defaults(run=partial(_answer, parser, metavar))


def run_command(parser: argparse.ArgumentParser, run: Callable[[], int | None], *, kept: str, debug: bool) -> int:
    """Run a command, and end it with one line where it fails or is asked to stop; gives its exit status, as of `main`.

    What is named on the command line and not there is wrong use.

    ``kept`` is what is said after an interruption whose error has no notes; with ``debug``, errors are raised.
    """
    prog = parser.prog.removeprefix("python -m ")
    unwind_on_sigterm()
    try:
        return run() or 0
    except KeyboardInterrupt as stop:
        print(f"{prog}: {word_for(stop)}; {one_line(_notes(stop) or kept)}.", file=sys.stderr)
        return exit_status(stop)
    except (OSError, ValueError, ModuleNotFoundError) as error:
        if debug:
            raise
        print(f"{prog}: error: {one_line(error_text(error))}", file=sys.stderr)
        return 2 if isinstance(error, FileNotFoundError) else 1


def error_text(error: BaseException) -> str:
    """Write an error and its notes; one of the system's with the file first and no number.

    >>> error_text(PermissionError(13, "Permission denied", "corpus"))
    'corpus: Permission denied'
    """
    text = str(error)
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        text = f"{error.filename}: {error.strerror}"
    notes = _notes(error)
    return f"{text.rstrip('.')}; {notes}." if notes else text


def _notes(error: BaseException) -> str:
    """What a command adds to an error, such as what was kept."""
    return "; ".join(getattr(error, "__notes__", ()))


def _answer(parser: argparse.ArgumentParser, metavar: str, _arguments: argparse.Namespace) -> NoReturn:
    parser.print_help(sys.stderr)
    parser.exit(2, f"\n{parser.prog}: error: a {metavar} is missing, one of those above\n")
