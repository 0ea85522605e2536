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
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TEMPORARY: Final = re.compile(r"(^|/)\.[^/]*\.(tmp|part|partial)\b|\.tmp(/|$)|\.part\.")
"""Names of files and folders that nothing may leave."""

TERMINATED: Final = 143
_AT_THE_END: Final = 0.35
"""Share of the moments that lie in the last fifth, where everything gets its name."""
_LONGEST: Final = 600


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command that writes.

    Attributes:
        name: for people.
        line: its words, of the folder of inputs and of the folder to write to.
        again: words that are added to go on after an interruption.
        older: whether there is an older output, of another run, that must stay whole until the new one is.
        volatile: files that no two runs have alike: logs, and what tells times.
        is_quick: whether it takes seconds; the short campaign has these.
        stdout: whether what it prints is its output, too.
        once: whether it refuses to make what is there.
        before: commands whose output it needs, in the folder to write to.
    """

    name: str
    line: Callable[[Path, Path], Sequence[str | Path]]
    again: tuple[str, ...] = ()
    older: str = ""
    volatile: str = r"$^"
    is_quick: bool = False
    stdout: bool = False
    once: bool = False
    before: Callable[[Path, Path], Sequence[str | Path]] | None = None


@dataclass
class Outcome:
    """What came of one command's kills."""

    name: str
    seconds: float = 0.0
    kills: int = 0
    early: int = 0
    late: int = 0
    faults: list[str] = field(default_factory=list)


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
        self.outcome = Outcome(command.name)

    def measure(self) -> None:
        """Run the command undisturbed, twice: the first run fills caches, the second tells time and output."""
        self._start_anew()
        began = time.monotonic()
        self._run_to_the_end()
        self.expected, first = self._made(), time.monotonic() - began
        self._start_anew()
        began = time.monotonic()
        self.printed = self._run_to_the_end()
        self.outcome.seconds = min(first, time.monotonic() - began)
        differ = _differences(self._made(), self.expected)
        if differ:
            raise RuntimeError(f"{self.command.name}: two undisturbed runs must be equal, but differ in {differ}.")

    def kill(self, share: float, number: signal.Signals, *, group: bool) -> None:
        """End a run after a share of its time, then run it to the end.

        Args:
            share: of the time of an undisturbed run.
            number: what ends it.
            group: signal all of its processes, as schedulers and terminals do, or the first alone.
        """
        self._start_anew()
        printed, place = self.printed, f"{number.name} at {share:.3f}{' of all' if group else ''}"
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
            self.outcome.faults.append(f"{self.command.name}: {place}: {fault}")

    def _interrupt(self, seconds: float, number: signal.Signals, *, group: bool) -> None:
        process = self._popen(self._line())
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        status = process.poll()
        self.outcome.kills += 1
        self.outcome.late += status is not None
        if status is None:
            (os.killpg if group else os.kill)(process.pid, number)
        try:
            _, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise AssertionError(f"{number.name} did not end it within 60 s") from None
        _wait_for_group(process.pid)
        if status is not None or number == signal.SIGKILL:
            return
        if process.returncode == -signal.SIGTERM:  # before Python had read what handles the signal, or when all is done
            is_begun = self._is_begun()
            self.outcome.early += not is_begun
            self.outcome.late += is_begun
            if is_begun and _differences(self._made(), self.expected):
                raise AssertionError(f"it died of SIGTERM after it had begun: {err!r}")
        elif process.returncode == TERMINATED:
            lines = [line for line in err.strip().splitlines() if "terminated; " in line]
            if len(lines) != 1 or "Traceback" in err:
                raise AssertionError(f"expected one line, but found {err[-2000:]!r}")
            left = [path for path in _paths(self.out) | _paths(self.tmp) if TEMPORARY.search(path)]
            if left:
                raise AssertionError(f"SIGTERM left {left}")
        elif process.returncode != 0:
            raise AssertionError(f"expected the status {TERMINATED}, but it is {process.returncode}: {err[-2000:]!r}")

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
        shutil.rmtree(self.home, ignore_errors=True)
        self.out.mkdir(parents=True)
        self.tmp.mkdir()
        if self.command.before is not None:
            self._check(self.command.before(self.inputs, self.out))
        if self.command.older:
            (self.out / self.command.older).parent.mkdir(parents=True, exist_ok=True)
            (self.out / self.command.older).write_bytes(b"older\n" * 100)
            self._older = _hash(self.out / self.command.older)
        self._at_start = _paths(self.out)

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
        drawn.append((share, (signal.SIGKILL, signal.SIGTERM)[place % 2], draw.random() < 0.5))
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
