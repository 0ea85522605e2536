"""What the commands have in common: exit statuses, and messages of one line."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from typing import NoReturn


class UsageError(Exception):
    """A command was called in a way that can't work; its exit status is 2."""


class Terminated(BaseException):
    """The process was asked to end (SIGTERM), as schedulers do."""


class SomeFailedError(Exception):
    """Part of the work failed, and the command has said what: its exit status is 1."""


class CommandParser(argparse.ArgumentParser):
    """An argument parser whose errors take one line, without the usage before them."""

    def error(self, message: str) -> NoReturn:
        """Leave with exit status 2."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def run(parser: CommandParser, argv: list[str] | None, command: Callable[[argparse.Namespace], None]) -> int:
    """Run a command and turn its errors into an exit status: 0, 2 wrong use, 1 failure, 130 Ctrl-C, 143 SIGTERM.

    ``--debug`` is added to the parser, and lets errors through with their traceback. The command says what is wrong by
    a ``UsageError``, ``ValueError`` or ``OSError``; notes that it adds to whatever is raised are printed after it.
    """
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    arguments = parser.parse_args(argv)
    if not arguments.debug:
        # Set before OpenCV loads, or it prints lines of its own beside ours.
        os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    unraisable = sys.unraisablehook
    try:
        before = signal.signal(signal.SIGTERM, _terminate)
        sys.unraisablehook = _terminate_again
    except ValueError:  # not the main thread, which alone receives signals
        before = None
    try:
        with warnings.catch_warnings():
            # Pillow warns of half as many pixels as it refuses.
            warnings.filterwarnings("ignore", message="Image size .* exceeds limit")
            command(arguments)
    except SomeFailedError:
        return 1
    except (UsageError, ValueError, OSError) as error:
        if arguments.debug:
            raise
        _tell(parser, _text(error), error)
        return 2 if isinstance(error, UsageError | FileNotFoundError) else 1
    except KeyboardInterrupt as error:
        _tell_end(parser, "interrupted", error)
        return 130
    except Terminated as error:
        _tell_end(parser, "terminated", error)
        return 143
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
            sys.unraisablehook = unraisable
    return 0


def tell(prog: str, words: object) -> None:
    """Print a line for the user, or an error, on stderr, after the command's name."""
    print(f"{prog}: {one_line(_text(words))}", file=sys.stderr)


def _tell(parser: CommandParser, words: str, error: BaseException) -> None:
    tell(parser.prog, "; ".join([words, *getattr(error, "__notes__", ())]))


def _tell_end(parser: CommandParser, word: str, stop: BaseException) -> None:
    if not getattr(stop, "__notes__", ()):
        stop.add_note("nothing half-written was left")
    _tell(parser, word, stop)


def _terminate(number: int, _frame: object) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # a second one must not disturb the cleaning up
    raise Terminated


def _terminate_again(lost: sys.UnraisableHookArgs) -> None:
    """Where an object is deleted, as imports do, Python drops what is raised: the signal comes once more, shortly."""
    if not issubclass(lost.exc_type, Terminated):
        sys.__unraisablehook__(lost)
        return
    signal.signal(signal.SIGTERM, _terminate)
    again = threading.Timer(0.05, os.kill, [os.getpid(), signal.SIGTERM])
    again.daemon = True
    again.start()


def _text(error: object) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error).strip()


def one_line(text: object) -> str:
    r"""Bring a message into one line of what can be shown: spaces for all white space, escapes for control characters.

    Names and texts of others' files stand in messages, and may hold codes by which a terminal is steered.

    Example:
        >>> print(one_line("no such\n  file: \x1b[31mred"))
        no such file: \x1b[31mred
    """
    joined = " ".join(str(text).split())
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in joined)
