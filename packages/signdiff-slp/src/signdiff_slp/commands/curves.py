"""``signdiff-slp curves``: DTW by epoch beside the loss, of training runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse


def add_curves(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``curves`` to a parser."""
    parser = commands.add_parser("curves", help="plot DTW by epoch beside the loss, of training runs")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="output folder of a training run")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="picture, such as curves.png")
    parser.set_defaults(run=_curves)


def _curves(arguments: argparse.Namespace) -> int:
    from signdiff_slp.curves import plot_curves, read_curves

    runs = [read_curves(run) for run in arguments.runs]
    plot_curves(runs, arguments.output)
    comparable = all(run.comparable for run in runs)
    for run in runs:
        loss = f"comparable loss {run.comparable[-1]:.4g}" if comparable else f"loss {run.loss[-1]:.4g}"
        best = f", DTW-MJE / frozen {min(run.dtw):.3f} at best" if run.dtw else ""
        print(f"{run.name}: {run.epochs[-1]:.1f} epochs, {loss}{best}")
    return 0
