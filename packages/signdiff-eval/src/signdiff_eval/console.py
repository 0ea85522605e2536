"""How commands speak and stop: messages of one line, and SIGTERM, which unwinds as Ctrl-C does."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Final, NoReturn


def one_line(text: object) -> str:
    r"""Bring a message into one line of what can be shown: spaces for all white space, escapes for control characters.

    Names and texts of others' files stand in messages, and may hold codes by which a terminal is steered.

    Example:
        >>> print(one_line("no such\n  file: \x1b[31mred"))
        no such file: \x1b[31mred
    """
    joined = " ".join(str(text).split())
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in joined)


_SHORTLY: Final = 0.05


class Terminated(KeyboardInterrupt):
    """The process was asked to end by SIGTERM."""


def unwind_on_sigterm() -> None:
    """Have the first SIGTERM raise `Terminated` in the main thread; those after it, or an ignored one, do nothing."""
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN:
        signal.signal(signal.SIGTERM, _raise)
        sys.unraisablehook = _raise_again


def word_and_status(error: BaseException) -> tuple[str, int]:
    """Give the word and the exit status for what stopped a command: 128 and the signal's number.

    Example:
        >>> word_and_status(KeyboardInterrupt()), word_and_status(Terminated())
        (('interrupted', 130), ('terminated', 143))
    """
    return ("terminated", 143) if isinstance(error, Terminated) else ("interrupted", 130)


def _raise(_number: int, _frame: FrameType | None) -> NoReturn:
    # Schedulers signal every process of a job, and its first process passes it on: clearing up goes on regardless.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated


def _raise_again(lost: sys.UnraisableHookArgs) -> None:
    """Where an object is deleted, as imports do, Python drops what is raised: the signal comes once more, shortly."""
    if not issubclass(lost.exc_type, Terminated):
        sys.__unraisablehook__(lost)
        return
    signal.signal(signal.SIGTERM, _raise)
    again = threading.Timer(_SHORTLY, os.kill, [os.getpid(), signal.SIGTERM])
    again.daemon = True
    again.start()
