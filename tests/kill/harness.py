"""Run a command, end it at a moment, run it again to the end, and compare what it made to the byte."""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from kill.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kill.command import Command, Words

TEMPORARY: Final = re.compile(r"(^|/)\.[^/]*\.(tmp|part|partial)\b|\.tmp(/|$)|\.part\.")
"""Names of files and folders that nothing may leave."""

TERMINATED: Final = 143
_AT_THE_END: Final = 0.35
"""Share of the moments that lie in the last fifth, where everything gets its name."""
_LONGEST: Final = 600
_starts: Final = Lock()


class Bench:
    """Where one command is run again and again.

    Args:
        command: the command.
        inputs: the folder of inputs.
        home: an empty folder.
    """

    def __init__(self, command: Command, inputs: Path, home: Path) -> None:
        self.command, self.inputs, self.home = command, inputs, home
        self.out, self.tmp = home / "out", home / "tmp"
        self.start: Path | None = None
        self.outcome = Outcome(command.name)
        self.is_broken = False

    def measure(self) -> None:
        """Run the command undisturbed, and see whether it can be killed at all."""
        try:
            self._measure()
        except AssertionError as fault:
            self.is_broken = True
            self.outcome.faults.append(str(fault))

    def _measure(self) -> None:
        if self.command.before is not None:
            self._make_start(self.command.before)
        self._start_anew()
        began = time.monotonic()
        self.printed = self._run_to_the_end()
        self.outcome.seconds = time.monotonic() - began
        self.expected = self._made()
        if not self.expected and not self.command.stdout:
            raise AssertionError("it made nothing")

    def _make_start(self, before: Callable[[Path, Path], Words]) -> None:
        """What several commands need is made once."""
        self.start = self.home.with_name(f"start-{before.__module__}{before.__name__}")
        with _starts:
            if not self.start.exists():
                self._clear()
                self._check(before(self.inputs, self.out))
                self.out.rename(self.start)

    def kill(self, share: float, number: signal.Signals, *, group: bool) -> None:
        """End a run after a share of its time, then run it to the end.

        Args:
            share: of the time of an undisturbed run.
            number: what ends it.
            group: signal all of its processes, as schedulers and terminals do, or the first alone.
        """
        self._start_anew()
        printed = self.printed
        try:
            self._interrupt(share * self.outcome.seconds, number, group=group)
            self._check_older()
            if not self.command.once or _differences(self._made(), self.expected):
                again = self.command.again if self._is_begun() else ()
                printed = self._run_to_the_end(again)
            differ = _differences(self._made(), self.expected)
            if differ:
                raise AssertionError(f"the result differs in {differ}")
            if self.command.stdout and printed != self.printed:
                raise AssertionError(f"it prints {printed!r} and not {self.printed!r}")
            left = [path for path in _paths(self.home) if TEMPORARY.search(path)]
            if left:
                raise AssertionError(f"after the next run there is {left}")
        except AssertionError as fault:
            self.outcome.faults.append(str(fault))

    def _interrupt(self, seconds: float, number: signal.Signals, *, group: bool) -> None:
        process, began = self._popen(self._line()), time.monotonic()
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        is_late = process.poll() is not None
        if is_late:  # the machine has more time now than when it was measured
            self.outcome.seconds = min(self.outcome.seconds, time.monotonic() - began)
        else:
            (os.killpg if group else os.kill)(process.pid, number)
        try:
            _, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise AssertionError(f"{number.name} did not end it within 60 s") from None
        finally:
            is_begun = self._is_begun()
            self.outcome.signals[number.name] += 1
            self.outcome.moments["after" if is_late else "while" if is_begun else "before"] += 1
        _wait_for_group(process.pid)
        if not is_late and number == signal.SIGTERM:
            self._check_end(process.returncode, err, is_begun=is_begun)

    def _check_end(self, status: int, err: str, *, is_begun: bool) -> None:
        """SIGTERM ended a run: its status, its one line, and what it left."""
        if status in (0, -signal.SIGTERM):  # when all is done, or before Python had read what handles the signal
            if (is_begun or status == 0) and _differences(self._made(), self.expected):
                raise AssertionError(f"SIGTERM gave the status {status} before all was done: {err[-2000:]!r}")
            return
        if status != TERMINATED:
            raise AssertionError(f"expected the status {TERMINATED}, but it is {status}: {err[-2000:]!r}")
        lines = [line for line in err.strip().splitlines() if "terminated; " in line]
        if len(lines) != 1 or "Traceback" in err:
            raise AssertionError(f"expected one line, but found {err[-2000:]!r}")
        left = [path for path in _paths(self.out) | _paths(self.tmp) if TEMPORARY.search(path)]
        if left:
            raise AssertionError(f"SIGTERM left {left}")

    def _is_begun(self) -> bool:
        return _paths(self.out) > self._at_start

    def _check_older(self) -> None:
        """The older output is whole, or the new one is."""
        if not self.command.older:
            return
        older = self.out / self.command.older
        content = _hash(older) if older.is_file() else None
        if content not in (self._older, self.expected.get(self.command.older)):
            raise AssertionError(f"{self.command.older} is neither the older one nor the new one")

    def _start_anew(self) -> None:
        self._clear()
        if self.start is not None:
            shutil.copytree(self.start, self.out, symlinks=True, dirs_exist_ok=True)
        if self.command.older:
            (self.out / self.command.older).parent.mkdir(parents=True, exist_ok=True)
            (self.out / self.command.older).write_bytes(b"older\n" * 100)
            self._older = _hash(self.out / self.command.older)
        self._at_start = _paths(self.out)

    def _clear(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)
        self.out.mkdir(parents=True)
        self.tmp.mkdir()

    def _run_to_the_end(self, again: Sequence[str] = ()) -> str:
        return self._check([*self._line(), *again])

    def _check(self, line: Sequence[str | Path]) -> str:
        process = self._popen(line)
        try:
            out, err = process.communicate(timeout=_LONGEST)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError("the run to the end took more than ten minutes") from None
        if process.returncode:
            raise AssertionError(f"the next run ends with {process.returncode}: {err[-2000:]!r}")
        return out.replace(str(self.home), "")

    def _line(self) -> list[str | Path]:
        return list(self.command.line(self.inputs, self.out))

    def _popen(self, line: Sequence[str | Path]) -> subprocess.Popen[str]:
        environment = {**os.environ, "TMPDIR": str(self.tmp), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        return subprocess.Popen(
            [*map(str, line)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.home,
            env=environment,
            start_new_session=True,
        )

    def _made(self) -> dict[str, str]:
        return {
            path: _hash(self.out / path)
            for path in sorted(_paths(self.out))
            if (self.out / path).is_file() and not re.search(self.command.volatile, path)
        }


def moments(count: int, seed: str) -> list[tuple[float, signal.Signals, bool]]:
    """Draw when and how a command is ended; more often towards its end.

    Returns:
        Shares of its time, signals, and whether all processes get it.
    """
    draw = random.Random(seed)
    drawn = []
    for place in range(count):
        share = draw.uniform(0.8, 1.02) if draw.random() < _AT_THE_END else draw.uniform(0.05, 1.0)
        drawn.append((share, (signal.SIGTERM, signal.SIGKILL)[place % 2], draw.random() < 0.5))
    return drawn


def _wait_for_group(group: int) -> None:
    """Wait until no process of a command lives any more."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return
        time.sleep(0.02)
    os.killpg(group, signal.SIGKILL)
    raise AssertionError("its other processes went on for 30 s")


def _paths(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*")}


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _differences(found: dict[str, str], expected: dict[str, str]) -> list[str]:
    return [path for path in sorted({*found, *expected}) if found.get(path) != expected.get(path)]
