"""Run a command, end it at a moment, run it again to the end, and compare what it made to the byte."""

from __future__ import annotations

import hashlib
import os
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
    from kill.moments import Moment

TEMPORARY: Final = re.compile(r"(^|/)\.[^/]*\.(tmp|part|partial)\b|\.tmp(/|$)|\.part\.")
"""Names of files and folders that nothing may leave."""

TERMINATED: Final = 143
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
        process, began = self._popen(self._line()), time.monotonic()
        self._wait_for_writing(process)
        self.writes_after = time.monotonic() - began
        self.printed = self._finish(process)
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

    def kill(self, moment: Moment) -> None:
        """End a run at a moment, then run it to the end."""
        self._start_anew()
        printed = self.printed
        try:
            self._interrupt(moment)
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

    def _interrupt(self, moment: Moment) -> None:
        process, began = self._popen(self._line()), time.monotonic()
        seconds = self.outcome.seconds
        if moment.of_writing:
            self._wait_for_writing(process)
            seconds = max(0.0, seconds - self.writes_after)
        with suppress(subprocess.TimeoutExpired):
            process.wait(moment.share * seconds)
        is_late, is_begun = process.poll() is not None, self._is_begun()
        self.outcome.signals[moment.number.name] += 1
        self.outcome.moments["after" if is_late else "while" if is_begun else "before"] += 1
        if is_late:  # the machine has more time now than when it was measured
            self.outcome.seconds = min(self.outcome.seconds, time.monotonic() - began)
            return
        (os.killpg if moment.group else os.kill)(process.pid, moment.number)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise AssertionError(f"{moment.number.name} did not end it within 60 s") from None
        _wait_for_group(process.pid)
        if moment.number == signal.SIGTERM:
            self._check_end(process.returncode, self._texts()[1], is_begun=is_begun)

    def _wait_for_writing(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for the first thing that is written, or for the end."""
        while process.poll() is None and not self._is_begun():
            time.sleep(0.002)

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
        return _state(self.out) != self._at_start

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
        self._at_start = _state(self.out)

    def _clear(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)
        self.out.mkdir(parents=True)
        self.tmp.mkdir()

    def _run_to_the_end(self, again: Sequence[str] = ()) -> str:
        return self._check([*self._line(), *again])

    def _check(self, line: Sequence[str | Path]) -> str:
        return self._finish(self._popen(line))

    def _finish(self, process: subprocess.Popen[bytes]) -> str:
        """Wait for the end of a run, and give what it printed."""
        try:
            process.wait(_LONGEST)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise AssertionError("the run to the end took more than ten minutes") from None
        printed, told = self._texts()
        if process.returncode:
            raise AssertionError(f"the next run ends with {process.returncode}: {told[-2000:]!r}")
        return printed.replace(str(self.home), "")

    def _texts(self) -> tuple[str, str]:
        return (self.home / "stdout").read_text(), (self.home / "stderr").read_text()

    def _line(self) -> list[str | Path]:
        return list(self.command.line(self.inputs, self.out))

    def _popen(self, line: Sequence[str | Path]) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "TMPDIR": str(self.tmp), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        with (self.home / "stdout").open("wb") as out, (self.home / "stderr").open("wb") as err:
            return subprocess.Popen(
                [*map(str, line)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
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
    return set(_state(root))


def _state(root: Path) -> dict[str, tuple[int, int]]:
    """Files and folders, which may come and go meanwhile, and the files' sizes and times."""
    found = {}
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        found |= {(here / name).relative_to(root).as_posix(): (0, 0) for name in folders}
        for name in files:
            with suppress(FileNotFoundError):
                status = (here / name).stat()
                found[(here / name).relative_to(root).as_posix()] = (status.st_size, status.st_mtime_ns)
    return found


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _differences(found: dict[str, str], expected: dict[str, str]) -> list[str]:
    return [path for path in sorted({*found, *expected}) if found.get(path) != expected.get(path)]
