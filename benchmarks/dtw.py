"""How fast DTW is: against the plain Python loop of this field's scripts, and against dtaidistance.

    python benchmarks/dtw.py [--pairs 200] [--loop_pairs 4] [--rounds 5] [--memory] [--json]

200 pairs of 100 to 300 frames with 150 values, random walks. Rows of L1 costs: `signdiff_eval.functional.dtw` (variant
pt), one pair after another and as a batch on all cores; the loop that the evaluation code of Progressive Transformers
uses: a cost of two frames at a time, a cell of the table at a time. That loop takes seconds for each pair, so it gets
the first few pairs, and its time is scaled by the cells of the tables. Rows of Euclidean costs: the same alignment here
(variant mje, with path and joint errors), dtaidistance's multivariate DTW in C for the same pairs (its distance alone,
without path). Each way takes its turn in every round, and its fastest round counts; ratios are times of the other way
over ours. Distances are compared as well: the largest relative difference stands in the last column.

--memory tells the peak of one pair of 5,000 frames instead: what a process of its own takes beyond the arrays.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from signdiff_eval.functional import dtw, dtw_batch

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Pairs = list[tuple[NDArray[np.float64], NDArray[np.float64]]]

_MEMORY = """
import resource, sys
import numpy as np
from signdiff_eval.functional import dtw
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
rng = np.random.default_rng(0)
pair = [np.cumsum(rng.normal(size=(5000, 50, 3)), axis=0) for _ in range(2)]
if sys.argv[1] == "pt":
    pair = [np.c_[each.reshape(5000, 150), np.arange(5000) / 5000] for each in pair]
dtw(*(each[:4] for each in pair), variant=sys.argv[1])
before = peak()
dtw(*pair, variant=sys.argv[1])
print(peak() - before)
"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One way to align all pairs."""

    cost: str
    name: str
    seconds: float
    ratio: float
    difference: float


def walks(count: int) -> Pairs:
    """Make pairs of random walks: 100 to 300 frames of 150 values."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(100, 301, size=(count, 2))
    return [tuple(np.cumsum(rng.normal(size=(frames, 150)), axis=0) for frames in pair) for pair in lengths]


def counted(sequence: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add the counter of variant pt, with one more frame, which it cuts off."""
    frames = len(sequence)
    padded = np.concatenate([sequence, sequence[-1:]])
    return np.concatenate([padded, np.arange(frames + 1)[:, None] / (frames + 1)], axis=1)


def plain_loop(reference: NDArray[np.float64], hypothesis: NDArray[np.float64]) -> float:
    """Align as this field's scripts do: a Python function for each cost, then a Python loop over the table."""
    rows, columns = len(reference), len(hypothesis)
    costs = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            costs[i, j] = np.sum(np.abs(reference[i] - hypothesis[j]))
    table = np.full((rows + 1, columns + 1), np.inf)
    table[0, 0] = 0.0
    for i in range(rows):
        for j in range(columns):
            table[i + 1, j + 1] = costs[i, j] + min(table[i, j], table[i, j + 1], table[i + 1, j])
    return table[-1, -1] / rows


def measure(pairs: Pairs, *, loop_pairs: int, rounds: int) -> list[Row]:
    """Time every way, in turn, and compare what they return."""
    from dtaidistance import dtw_ndim

    with_counters = [[counted(each) for each in side] for side in zip(*pairs, strict=True)]
    joints = [[each.reshape(-1, 50, 3) for each in side] for side in zip(*pairs, strict=True)]
    ways: dict[str, Callable[[], list[float]]] = {
        "one": lambda: [dtw(*pair, variant="pt") for pair in zip(*with_counters, strict=True)],
        "batch": lambda: dtw_batch(*with_counters, "pt").tolist(),
        "loop": lambda: [plain_loop(*pair) for pair in pairs[:loop_pairs]],
        "mje": lambda: [dtw(*pair, variant="mje") for pair in zip(*joints, strict=True)],
        "mje_batch": lambda: dtw_batch(*joints, "mje").tolist(),
        "dtaidistance": lambda: [dtw_ndim.distance_fast(*pair, inner_dist="euclidean") for pair in pairs],
    }
    for way in ("one", "mje"):
        ways[way]()  # compiles
    seconds = dict.fromkeys(ways, np.inf)
    results: dict[str, list[float]] = {}
    for turn in range(rounds):
        for name, way in ways.items():
            if name == "loop" and turn:
                continue
            start = time.perf_counter()
            results[name] = way()
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    cells = [len(left) * len(right) for left, right in pairs]
    seconds["loop"] *= sum(cells) / sum(cells[:loop_pairs])
    euclidean = [_euclidean(*pair) for pair in pairs[:loop_pairs]]
    rows = [
        ("L1", "plain Python loop", "loop", "one", _apart(results["loop"], results["one"])),
        ("L1", "signdiff-eval, pair by pair", "one", "one", 0.0),
        ("L1", "signdiff-eval, batch", "batch", "one", _apart(results["batch"], results["one"])),
        ("L2", "dtaidistance, C, distance alone", "dtaidistance", "mje", _apart(euclidean, results["dtaidistance"])),
        ("L2", "signdiff-eval, pair by pair, with path", "mje", "mje", 0.0),
        ("L2", "signdiff-eval, batch, with path", "mje_batch", "mje", _apart(results["mje_batch"], results["mje"])),
    ]
    return [
        Row(cost=cost, name=name, seconds=seconds[way], ratio=seconds[way] / seconds[ours], difference=difference)
        for cost, name, way, ours, difference in rows
    ]


def _euclidean(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    from signdiff_eval.functional import align

    return align(np.linalg.norm(left[:, None] - right[None], axis=-1))[0]


def _apart(values: list[float], others: list[float]) -> float:
    return max(abs(value - other) / abs(other) for value, other in zip(values, others, strict=False))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--loop_pairs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.memory:
        peaks = {
            variant: float(
                subprocess.run([sys.executable, "-c", _MEMORY, variant], capture_output=True, check=True).stdout
            )
            for variant in ("pt", "mje", "pjpe")
        }
        print(
            json.dumps(peaks) if options.json else "\n".join(f"{name:5} {peak:6.1f} MB" for name, peak in peaks.items())
        )
        return
    rows = measure(walks(options.pairs), loop_pairs=options.loop_pairs, rounds=options.rounds)
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    print(f"{options.pairs} pairs, 150 values, 100 to 300 frames")
    print(f"{'cost':5}{'way':42}{'seconds':>10}{'ratio':>10}{'difference':>12}")
    for row in rows:
        print(f"{row.cost:5}{row.name:42}{row.seconds:10.3f}{row.ratio:9.1f}x{row.difference:12.0e}")


if __name__ == "__main__":
    main()
