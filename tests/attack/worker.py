"""The process in which inputs are read: a line of JSON in for each, a line out."""

from __future__ import annotations

import json
import os
import shutil
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attack.bounds import Gauge, bound_memory, bound_time, free_memory, free_time, prepare
from attack.case import plant
from attack.cases import find
from attack.inputs import damaged, sound_inputs
from attack.verdict import judge

if TYPE_CHECKING:
    from attack.case import Case, Tree

SETTINGS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "0"}
"""Of the environment: one thread, no network."""


PLACE = "at/in"
"""Where in a worker's folder its last input lies."""


def serve(home: Path) -> int:
    """Read inputs until there are no more, in a folder of one's own."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print belongs to the errors
    prepare()
    warnings.simplefilter("ignore")
    sound: dict[str, list[Tree]] = {}
    for line in sys.stdin:
        order = json.loads(line)
        case = find(order["case"])
        os.ftruncate(2, 0)
        if order["number"] is None:
            free_memory()
            free_time()
            sound[case.name] = sound_inputs(case)
            _warm_up(case, sound[case.name], home)
            answer = {}
        else:
            bound_memory(case.memory)
            answer = _answer(case, sound[case.name], order, home)
        answers.write(json.dumps(answer) + "\n")
    return 0


def _warm_up(case: Case, sound: list[Tree], home: Path) -> None:
    """Read the seeds: libraries load, and a seed that is refused is a mistake in the case."""
    for number, tree in enumerate(sound):
        for _ in range(2):
            verdict, why = _read(case, tree, home)
            if verdict != "read":
                raise RuntimeError(f"seed {number} of {case.name} must be read, but is {verdict}: {why}")


def _answer(case: Case, sound: list[Tree], order: dict[str, Any], home: Path) -> dict[str, Any]:
    tree, told = damaged(case, sound, order["seed"], order["number"])
    bound_time(case.seconds)
    gauge = Gauge()
    verdict, why = _read(case, tree, home)
    seconds, mib = gauge.seconds, gauge.mib
    if verdict in ("read", "refused") and mib > case.memory:
        verdict, why = "memory", f"{mib:.0f} MiB, more than {case.memory}"
    return {"verdict": verdict, "why": why, "told": told, "seconds": seconds, "mib": mib}


def _read(case: Case, tree: Tree, home: Path) -> tuple[str, str]:
    folder = home / PLACE
    shutil.rmtree(folder.parent, ignore_errors=True)
    folder.mkdir(parents=True)
    plant(tree, folder)
    return judge(case, tree, folder)
