"""Memory and time, bounded and measured by the operating system (Linux)."""

from __future__ import annotations

import faulthandler
import re
import resource
import signal
import time
from pathlib import Path

MIB = 1 << 20
ROOM = 4
"""How many times a case's bound a process may allocate before the system says no; what it may hold is the bound."""

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def prepare() -> None:
    """Have a process that dies say where it was."""
    faulthandler.enable()
    for late in (signal.SIGXCPU, signal.SIGALRM):
        faulthandler.register(late, chain=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def bound_memory(mib: int) -> None:
    """Bound what the process may allocate beyond what it holds."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (_status("VmData") + ROOM * mib * MIB, hard))


def free_memory() -> None:
    """Lift the bound."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def bound_time(seconds: int) -> None:
    """Bound the processor time from now on; past it the process dies of SIGXCPU."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + seconds + 1, hard))


def free_time() -> None:
    """Lift the bound."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))


class Gauge:
    """Measures what memory and time are taken from its making on."""

    def __init__(self) -> None:
        _CLEAR.write_text("5")  # forget the process's highest mark
        self._before = _status("VmRSS")
        self._start = time.process_time()

    @property
    def mib(self) -> float:
        """Highest use of memory beyond that at the start, in MiB."""
        return max(0, _status("VmHWM") - self._before) / MIB

    @property
    def seconds(self) -> float:
        """Processor time, in seconds."""
        return time.process_time() - self._start


def _status(name: str) -> int:
    """A line of the process's status, in bytes."""
    found = re.search(rf"^{name}:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    if found is None:
        raise OSError(f"{_STATUS} must tell {name}, but does not: the campaign runs on Linux.")
    return int(found.group(1)) * 1024
