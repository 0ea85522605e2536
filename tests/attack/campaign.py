"""The command: inputs shared out among cases and workers, findings kept, a table at the end."""

from __future__ import annotations

import argparse
import contextlib
import queue
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attack.case import tree_of
from attack.cases import CASES, find
from attack.pool import BrokenCase, Worker
from attack.table import Tally, table
from attack.verdict import VERDICTS, judge
from signdiff_core.interruption import exit_status, unwind_on_sigterm, word_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attack.case import Case

AT_ONCE = 250
"""Inputs of a case that a worker reads before another may go on with it."""

KEPT = 25
"""Findings of a case that are kept with their inputs."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; returns 1 if anything was found, 130 or 143 if it was cut off."""
    parser = argparse.ArgumentParser(prog="python tests/attack", description="Attack every reader with damaged files.")
    parser.add_argument("--inputs", type=int, default=2000, metavar="N", help="of all cases together (default: 2000)")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other inputs (default: 0)")
    parser.add_argument("--case", action="append", default=[], metavar="NAME", help="only this case; may come again")
    parser.add_argument("--number", type=int, metavar="K", help="only this input of the case")
    parser.add_argument("--input", type=Path, metavar="DIR", help="only this input, in this process")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="processes that read (default: 2)")
    parser.add_argument("--findings", type=Path, default=Path("attack-findings"), metavar="DIR", help="where they go")
    parser.add_argument("--list", action="store_true", help="name the cases")
    known = parser.parse_args(arguments)
    if known.list:
        print(*(case.name for case in CASES), sep="\n")
        return 0
    try:
        cases = [find(name) for name in known.case] or list(CASES)
    except ValueError as error:
        parser.error(str(error))
    if known.input is not None:
        verdict, why = judge(cases[0], tree_of(known.input), known.input)
        print(verdict, why, sep="\n")
        return int(verdict not in VERDICTS[:2])
    begin = time.monotonic()
    campaign = Campaign(cases, known.seed, known.findings)
    if known.number is not None:
        jobs = [(case, range(known.number, known.number + 1)) for case in cases]
    else:
        jobs = shared_out(cases, known.inputs)
    unwind_on_sigterm()
    stop = campaign.run(jobs, known.workers)
    print(table(campaign.tallies.values(), time.monotonic() - begin), flush=True)
    if stop is not None:
        print(f"{word_for(stop)}; the table is of the inputs until then.", file=sys.stderr)
        return exit_status(stop)
    found = sum(tally.findings for tally in campaign.tallies.values())
    if found or campaign.broken:
        print(f"{found} findings, {len(campaign.broken)} broken cases: see {known.findings}", file=sys.stderr)
        return 1
    return 0


def shared_out(cases: Sequence[Case], inputs: int) -> list[tuple[Case, range]]:
    """Divide inputs among cases by their weights, in pieces of `AT_ONCE`, the first ones first.

    Every case gets at least one, and a campaign that is cut off has been at all of them.
    """
    whole = sum(case.weight for case in cases)
    jobs = []
    for case in cases:
        count = max(1, round(inputs * case.weight / whole))
        jobs += [(case, range(start, min(start + AT_ONCE, count))) for start in range(0, count, AT_ONCE)]
    return sorted(jobs, key=lambda job: job[1].start)


class Campaign:
    """Has inputs read and counts what comes of them."""

    def __init__(self, cases: Sequence[Case], seed: int, findings: Path) -> None:
        self.tallies = {case.name: Tally(case.name) for case in cases}
        self.broken: dict[str, str] = {}
        self._seed, self._findings = seed, findings
        self._lock = threading.Lock()
        self._cut_off = threading.Event()

    def run(self, jobs: Sequence[tuple[Case, range]], workers: int) -> KeyboardInterrupt | None:
        """Have all jobs done; returns what cut them off, if anything did."""
        waiting: queue.SimpleQueue[tuple[Case, range]] = queue.SimpleQueue()
        for job in jobs:
            waiting.put(job)
        with contextlib.ExitStack() as homes:
            readers = [homes.enter_context(Worker()) for _ in range(min(workers, len(jobs)))]
            threads = [threading.Thread(target=self._work, args=(waiting, reader)) for reader in readers]
            for thread in threads:
                thread.start()
            try:
                for thread in threads:
                    thread.join()
            except KeyboardInterrupt as stop:
                self._cut_off.set()
                for reader in readers:
                    reader.kill()
                for thread in threads:
                    thread.join()
                return stop
        return None

    def _work(self, waiting: queue.SimpleQueue[tuple[Case, range]], worker: Worker) -> None:
        while not self._cut_off.is_set():
            try:
                case, numbers = waiting.get_nowait()
            except queue.Empty:
                return
            for number in numbers:
                if case.name in self.broken or self._cut_off.is_set():
                    break
                self._one(worker, case, number)

    def _one(self, worker: Worker, case: Case, number: int) -> None:
        try:
            answer = worker.read(case, self._seed, number)
        except BrokenCase as error:
            if self._cut_off.is_set():
                return
            with self._lock:
                self.broken[case.name] = error.args[1]
                print(f"{case.name}: the case is broken: {error.args[1]}", file=sys.stderr)
            return
        if self._cut_off.is_set():  # the reader was killed, perhaps at this input
            return
        with self._lock:
            tally = self.tallies[case.name]
            tally.add(number, answer)
            if answer["verdict"] not in VERDICTS[:2] and tally.findings <= KEPT:
                self._keep(case, number, answer, worker.input)

    def _keep(self, case: Case, number: int, answer: dict[str, Any], found: Path) -> None:
        folder = self._findings / f"{case.name}-{number}"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(found, folder / "in")
        again = [
            f"python tests/attack --case {case.name} --number {number} --seed {self._seed}",
            f"python tests/attack --case {case.name} --input {folder}/in",
        ]
        report = "\n".join([answer["verdict"], answer["told"], answer["why"], *again])
        (folder / "report.txt").write_text(f"{report}\n", encoding="utf-8")
        lines = [line for line in answer["why"].splitlines() if line.strip()]
        print(f"{case.name} {number}: {answer['verdict']}: {lines[-1][:200] if lines else ''}", flush=True)
