"""``signdiff-slp curves``: what training runs have logged, DTW by epoch beside the loss (the paper's Figure 5)."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

MAX_BYTES: Final = 2**28
"""Largest log that is read."""

MAX_STEPS: Final = 10**12
"""Most steps or epochs of a run."""

TRAIN: Final = Path("metrics") / "train.jsonl"
COMPARABLE: Final = "Comparable Pose Loss"
FREE: Final = Path("metrics") / "valid" / "free.jsonl"


@dataclass(frozen=True)
class Curves:
    """The curves of a run, by epoch, with a fraction where an epoch has several entries.

    ``loss`` is the training loss of poses, as the run's own settings count it; ``comparable`` the same of the next
    frame alone, without padding, which runs of any settings share; empty for runs that have not logged it. ``dtw`` is
    the DTW-MJE of held-out texts, decoded freely, as a share of a frozen mean pose's, at the epochs ``validated``.
    """

    name: str
    epochs: list[float]
    loss: list[float]
    comparable: list[float]
    validated: list[float]
    dtw: list[float]


def read_curves(run: Path) -> Curves:
    """Read the curves of a run from its folder; an error says if it holds no log, or a broken or too large one."""
    train = _rows(run / TRAIN)
    if not train:
        raise ValueError(f"{run / TRAIN} must hold at least one entry, but holds none.")
    steps = [float(row["Step"]) for row in train]
    # Epochs are logged as whole numbers: between two, steps tell how far it is.
    per_epoch = max(steps[-1] / max(float(train[-1]["Data Epoch"]), 1.0), 1.0)
    free = _rows(run / FREE) if (run / FREE).is_file() else []
    return Curves(
        run.name,
        [step / per_epoch for step in steps],
        [float(row["Pose Loss"]) for row in train],
        [float(row[COMPARABLE]) for row in train] if all(COMPARABLE in row for row in train) else [],
        [float(row["Step"]) / per_epoch for row in free],
        [float(row["DTW-MJE / Frozen"]) for row in free],
    )


def plot_curves(runs: Sequence[Curves], path: Path) -> None:
    """Draw DTW above loss, by epoch, a line for each of at least one run.

    ``path`` is of a kind that matplotlib knows, such as ``.png`` or ``.svg``; else a ``ValueError`` is raised, and a
    ``ModuleNotFoundError`` if matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("curves need matplotlib: pip install 'signdiff-slp[plot]'.") from error
    from signdiff_core.atomic import replacing

    figure = Figure(figsize=(7, 6), layout="constrained")
    known = figure.canvas.get_supported_filetypes()
    kind = path.suffix.removeprefix(".")
    if kind not in known:
        raise ValueError(f"output must be a picture of the kinds {', '.join(sorted(known))}, but is {path.name!r}.")
    above, below = figure.subplots(2, 1, sharex=True)
    comparable = all(run.comparable for run in runs)
    for run in runs:
        above.plot(run.validated, run.dtw, marker="o", label=run.name)
        below.plot(run.epochs, run.comparable if comparable else run.loss, label=run.name)
    above.axhline(1, color="grey", linestyle=":", label="frozen mean pose")
    above.set(ylabel="DTW-MJE / frozen,\nheld out, decoded freely")
    above.set_ylim(bottom=0)
    below.set(xlabel="epoch", ylabel="comparable training loss" if comparable else "training loss", yscale="log")
    above.legend(frameon=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format=kind, dpi=150)


def _rows(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise FileNotFoundError(f"run must be the folder of a training run, but {path} does not exist.")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path} must have at most {MAX_BYTES} bytes, but has {path.stat().st_size}.")
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} must hold a JSON object a line, but can't be read: {error}") from error
    wanted = {"Step"} | ({"DTW-MJE / Frozen"} if path.name == FREE.name else {"Data Epoch", "Pose Loss"})
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict) or not all(_is_number(row.get(name)) for name in wanted | {COMPARABLE} & {*row}):
            raise ValueError(f"{path}:{number} must hold numbers named {', '.join(sorted(wanted))}, but does not.")
        # A loss may be NaN, where a run has gone astray; a count may not.
        for name in wanted & {"Step", "Data Epoch"}:
            if not 0 <= row[name] <= MAX_STEPS:
                raise ValueError(f"{path}:{number} must have {name!r} from 0 to {MAX_STEPS}, but has {row[name]}.")
    return rows


def _is_number(value: object) -> bool:
    """Whether it is one that a float can hold."""
    return type(value) is float or (type(value) is int and abs(value) <= MAX_STEPS)


def add_curves(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``curves`` to a parser."""
    parser = commands.add_parser("curves", help="plot DTW by epoch beside the loss, of training runs")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="output folder of a training run")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="picture, such as curves.png")
    parser.set_defaults(run=_curves)


def _curves(arguments: argparse.Namespace) -> int:
    runs = [read_curves(run) for run in arguments.runs]
    plot_curves(runs, arguments.output)
    comparable = all(run.comparable for run in runs)
    for run in runs:
        loss = f"comparable loss {run.comparable[-1]:.4g}" if comparable else f"loss {run.loss[-1]:.4g}"
        best = f", DTW-MJE / frozen {min(run.dtw):.3f} at best" if run.dtw else ""
        print(f"{run.name}: {run.epochs[-1]:.1f} epochs, {loss}{best}")
    return 0
