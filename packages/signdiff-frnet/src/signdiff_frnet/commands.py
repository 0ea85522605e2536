"""What the commands have in common: exit statuses, and errors of one line."""

import argparse
import os
import sys
from collections.abc import Callable
from typing import NoReturn


class UsageError(Exception):
    """A command was called in a way that can't work; its exit status is 2."""


class CommandParser(argparse.ArgumentParser):
    """An argument parser whose errors take one line, without the usage before them."""

    def error(self, message: str) -> NoReturn:
        """Leave with exit status 2.

        Args:
            message: what was wrong.
        """
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def run(parser: CommandParser, argv: list[str] | None, command: Callable[[argparse.Namespace], None]) -> int:
    """Run a command and turn its errors into an exit status.

    Args:
        parser: reads the arguments; ``--debug`` is added to it, and lets errors through with their traceback.
        argv: the arguments, or None for those of the process.
        command: the work; it says what is wrong by raising ``UsageError``, ``ValueError`` or ``OSError``.

    Returns:
        0 for success, 2 for wrong use, 1 for a failure, 130 for an interruption.
    """
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    arguments = parser.parse_args(argv)
    if not arguments.debug:
        # Set before OpenCV loads, or it prints lines of its own beside ours.
        os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    try:
        command(arguments)
    except (UsageError, ValueError, OSError) as error:
        if arguments.debug:
            raise
        print(f"{parser.prog}: {_one_line(error)}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted", file=sys.stderr)
        return 130
    return 0


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())
