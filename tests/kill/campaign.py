"""The campaign: ``nox -s kill`` for the quick commands, ``nox -s kill -- --kills 20`` for all of them."""

from __future__ import annotations

import argparse
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from kill import inputs
from kill.commands import COMMANDS
from kill.harness import Bench, Command, Outcome, moments

QUICK_KILLS: Final = 2


def main() -> int:
    """Kill every command at so many moments; exit status 1 if something was lost or left."""
    parser = argparse.ArgumentParser(prog="kill", description="Kill every command that writes, at random moments.")
    parser.add_argument(
        "--kills", type=int, metavar="N", help=f"moments a command (default: {QUICK_KILLS}, of quick commands alone)"
    )
    parser.add_argument("--seed", type=int, default=0, help="draws the moments (default: 0)")
    parser.add_argument("--only", default="", metavar="REGEX", help="commands whose name holds this")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="commands at once (default: 1)")
    chosen = parser.parse_args()
    kills, everything = chosen.kills or QUICK_KILLS, chosen.kills is not None or bool(chosen.only)
    commands = [
        command for command in COMMANDS if re.search(chosen.only, command.name) and (command.is_quick or everything)
    ]
    with tempfile.TemporaryDirectory(prefix="kill-") as name, ThreadPoolExecutor(chosen.jobs) as pool:
        home = Path(name)
        inputs.make(home / "inputs")
        outcomes = list(pool.map(lambda command: campaign(command, home, kills=kills, seed=chosen.seed), commands))
    faults = [fault for each in outcomes for fault in each.faults]
    print(f"{len(outcomes)} commands, {sum(each.kills for each in outcomes)} kills, {len(faults)} faults")
    return bool(faults)


def campaign(command: Command, home: Path, *, kills: int, seed: int) -> Outcome:
    """Kill one command at so many moments.

    Args:
        command: the command.
        home: holds ``inputs``; the command gets a folder of its own.
        kills: how many moments.
        seed: draws them.
    """
    bench = Bench(command, home / "inputs", home / command.name.replace(" ", "-"))
    try:
        bench.measure()
        for share, number, group in moments(kills, f"{seed} {command.name}"):
            bench.kill(share, number, group=group)
    except (AssertionError, RuntimeError) as error:
        bench.outcome.faults.append(f"{command.name}: undisturbed: {error}")
    told = bench.outcome
    print(
        f"{told.name:<28}{told.seconds:6.1f} s {told.kills:4} kills, {told.early} before it began, {told.late} after "
        f"its end, {len(told.faults)} faults",
        flush=True,
    )
    for fault in told.faults:
        print(f"    {fault}", flush=True)
    return told
