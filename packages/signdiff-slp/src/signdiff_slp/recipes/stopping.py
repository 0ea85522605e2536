"""SIGTERM and Ctrl-C in a recipe: one line that says what is kept, and nothing half-written."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from signdiff_slp.runs import find_run

_WORDS: Final = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


class Stopped(BaseException):
    """The process was asked to end, by the signal ``number``.

    Not a ``KeyboardInterrupt``, on which fairseq2 ends the process by the signal itself, and so without a word.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.word = _WORDS[signal.Signals(number)]
        self.exit_status = 128 + number


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Have the first SIGINT or SIGTERM raise `Stopped`; those after it change nothing, so that clearing up ends.

    A signal that the process ignores stays ignored. Outside the main thread this does nothing.
    """
    before, unraisable = {}, sys.unraisablehook
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in _WORDS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, _raise)
            sys.unraisablehook = _raise_again
    try:
        yield
    finally:
        sys.unraisablehook = unraisable
        for number, handler in before.items():
            signal.signal(number, handler)


def clear_up(output_dir: Path, checkpoints: Path) -> str:
    """Remove checkpoints of a run that are not whole, and say what is kept and how to resume."""
    if int(os.environ.get("RANK", "0")) == 0:
        for half in checkpoints.glob("step_*.tmp"):
            shutil.rmtree(half, ignore_errors=True)
    run = find_run(checkpoints)
    if run is not None and run.step is not None:
        return f"checkpoints up to {run.step.name} are kept, and the same command resumes from there"
    poses = sum(1 for _ in (output_dir / "poses").rglob("*.pose"))
    if poses:
        return f"{poses} poses are kept in {output_dir / 'poses'}, and the same command signs all texts again"
    return "there is nothing to keep yet, and the same command starts anew"


def _raise(number: int, _frame: FrameType | None) -> NoReturn:
    for each in _WORDS:
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(number)


def _raise_again(lost: sys.UnraisableHookArgs) -> None:
    """Where an object is deleted, as imports do, Python drops what is raised: the signal comes once more, shortly."""
    if not isinstance(lost.exc_value, Stopped):
        sys.__unraisablehook__(lost)
        return
    number = lost.exc_value.exit_status - 128
    signal.signal(number, _raise)
    again = threading.Timer(0.05, os.kill, [os.getpid(), number])
    again.daemon = True
    again.start()
