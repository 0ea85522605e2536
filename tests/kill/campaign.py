"""The campaign: ``nox -s kill`` for the quick commands, ``nox -s kill -- --kills 20`` for all of them."""

from __future__ import annotations

import argparse
import re
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kill import inputs
from kill.commands import COMMANDS
from kill.harness import Bench
from kill.moments import moments
from kill.outcome import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kill.command import Command

QUICK_KILLS: Final = 2


def main() -> int:
    """Kill every command at so many moments; exit status 1 if something was lost or left."""
    chosen = _arguments()
    is_whole = chosen.kills is not None or bool(chosen.only)
    commands = [each for each in COMMANDS if re.search(chosen.only, each.name) and (each.is_quick or is_whole)]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="kill-", ignore_cleanup_errors=True) as name:
        inputs.make(Path(name, "inputs"))
        campaign = Campaign(commands, Path(name), kills=chosen.kills or QUICK_KILLS, seed=chosen.seed)
        try:
            campaign.run(chosen.jobs, 60 * chosen.minutes)
        finally:
            print(campaign.table(), flush=True)
    return campaign.has_faults()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="kill", description="Kill every command that writes, at random moments.")
    parser.add_argument(
        "--kills", type=int, metavar="N", help=f"moments a command (default: {QUICK_KILLS}, of quick commands alone)"
    )
    parser.add_argument("--seed", type=int, default=0, help="draws the moments (default: 0)")
    parser.add_argument("--only", default="", metavar="REGEX", help="commands whose name holds this")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="commands at once (default: 2)")
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), metavar="M", help="begin no kill after that (default: no end)"
    )
    return parser.parse_args()


class Campaign:
    """Each command is killed once, then each a second time, and so on, so that an early end has seen all of them.

    Args:
        commands: what is killed.
        home: holds ``inputs``; each command gets a folder of its own.
        kills: how many moments for each.
        seed: draws them.
    """

    def __init__(self, commands: Sequence[Command], home: Path, *, kills: int, seed: int) -> None:
        self.kills = kills
        self.benches = [Bench(each, home / "inputs", home / each.name.replace(" ", "-")) for each in commands]
        self.moments = {each.name: moments(kills, f"{seed} {each.name}") for each in commands}
        self.end = float("inf")

    def run(self, jobs: int, seconds: float) -> None:
        """Kill all.

        Args:
            jobs: commands at once.
            seconds: after which no kill begins.
        """
        self.end = time.monotonic() + seconds
        with ThreadPoolExecutor(jobs) as pool:
            try:
                for place in range(self.kills):
                    list(pool.map(lambda bench, place=place: self._kill(bench, place), self.benches))
            except BaseException:
                self.end = 0.0
                raise

    def table(self) -> str:
        """What came of it."""
        return table([bench.outcome for bench in self.benches])

    def has_faults(self) -> bool:
        """Whether something was lost or left."""
        return any(bench.outcome.faults for bench in self.benches)

    def _kill(self, bench: Bench, place: int) -> None:
        if time.monotonic() > self.end or bench.is_broken:
            return
        faults, when = len(bench.outcome.faults), "undisturbed"
        if place == 0:
            bench.measure()
        if not bench.is_broken:
            moment = self.moments[bench.command.name][place]
            when = str(moment)
            bench.kill(moment)
        told = [f"{bench.command.name:<28}{bench.outcome.seconds:6.1f} s  {when}"]
        told += [f"    {fault}" for fault in bench.outcome.faults[faults:]]
        print("\n".join(told), flush=True)
