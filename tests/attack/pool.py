"""Workers that are replaced when they die."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attack.worker import PLACE, SETTINGS

if TYPE_CHECKING:
    from types import TracebackType

    from attack.case import Case

START = 300
"""Seconds that a worker may take to load a case's libraries and make its seeds."""

PATIENCE = 20
"""How many times its bound of processor time a read may wait: the machine may be busy."""


class BrokenCase(RuntimeError):
    """A worker died before it read an input: a seed is refused, or a library is missing."""


class Worker:
    """A process that reads inputs, and another after it if it dies."""

    def __init__(self) -> None:
        shm = Path("/dev/shm")
        self._home = tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None, prefix="attack-")
        self._errors = Path(self._home.name) / "errors"
        self._process: subprocess.Popen[str] | None = None
        self._ready: set[str] = set()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()
        self._home.cleanup()

    @property
    def input(self) -> Path:
        """The folder with the last input."""
        return Path(self._home.name) / PLACE

    def read(self, case: Case, seed: int, number: int) -> dict[str, Any]:
        """Have an input read.

        Returns:
            ``verdict``, ``why``, ``told``, ``seconds`` and ``mib``; after a death only the first two tell.

        Raises:
            BrokenCase: the worker does not get to read.
        """
        if case.name not in self._ready:
            self._ask({"case": case.name, "number": None}, START)
            self._ready.add(case.name)
        try:
            return self._ask({"case": case.name, "seed": seed, "number": number}, case.seconds * PATIENCE)
        except BrokenCase as error:
            code, told = error.args
            late = code in (-signal.SIGXCPU, -signal.SIGALRM)
            return {"verdict": "time" if late else "death", "why": told, "told": "", "seconds": 0.0, "mib": 0.0}

    def kill(self) -> None:
        """End the process, while another thread waits for it."""
        if (process := self._process) is not None:
            process.kill()

    def _ask(self, order: dict[str, Any], patience: float) -> dict[str, Any]:
        process = self._process or self._start()
        try:
            print(json.dumps(order), file=process.stdin, flush=True)
            waited = not select.select([process.stdout], [], [], patience)[0]
            line = "" if waited or process.stdout is None else process.stdout.readline()
        except BrokenPipeError:
            waited, line = False, ""
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        if waited:
            process.send_signal(signal.SIGALRM)
        code = process.wait()
        told = self._errors.read_text(encoding="utf-8", errors="replace")[-6000:]
        self._stop()
        raise BrokenCase(code, f"{told}\nexit status {code}")

    def _start(self) -> subprocess.Popen[str]:
        with self._errors.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).parent), "--worker", self._home.name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, **SETTINGS},
                start_new_session=True,  # Ctrl-C ends the campaign, which ends its readers
            )
        return self._process

    def _stop(self) -> None:
        if (process := self._process) is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(BrokenPipeError):  # what was to be written is of no use any more
                    pipe.close()  # type: ignore[union-attr]
        self._process, self._ready = None, set()
