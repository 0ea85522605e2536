"""Being asked to stop: SIGTERM, which schedulers send, unwinds as Ctrl-C does, so that temporary files go.

A command calls `unwind_on_sigterm` first; what it catches at its outer edge tells the two apart.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Final, NoReturn

INTERRUPTED: Final = 130
"""Exit status after Ctrl-C: 128 and the signal's number."""

TERMINATED: Final = 143
"""Exit status after SIGTERM."""


_SHORTLY: Final = 0.05


class Terminated(KeyboardInterrupt):
    """The process was asked to end by SIGTERM."""


def unwind_on_sigterm() -> None:
    """Have the first SIGTERM raise `Terminated` in the main thread; those after it change nothing.

    A process that ignores SIGTERM goes on ignoring it. Outside the main thread this does nothing.
    """
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN:
        signal.signal(signal.SIGTERM, _raise)
        sys.unraisablehook = _raise_again


def exit_status(error: BaseException) -> int:
    """Tell the exit status of a command that was asked to stop.

    Example:
        >>> exit_status(KeyboardInterrupt()), exit_status(Terminated())
        (130, 143)
    """
    return TERMINATED if isinstance(error, Terminated) else INTERRUPTED


def word_for(error: BaseException) -> str:
    """Name what happened: ``terminated`` or ``interrupted``."""
    return "terminated" if isinstance(error, Terminated) else "interrupted"


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
