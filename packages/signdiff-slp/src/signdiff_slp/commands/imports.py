"""``signdiff-slp corpus skels`` and ``corpus poses``: corpora of other people's poses."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signdiff_slp.commands.parser import number, whole
from signdiff_slp.commands.progress import progress
from signdiff_slp.shown import shown

if TYPE_CHECKING:
    from signdiff_slp.corpora.writer import Report

    Parsers = argparse._SubParsersAction[Any]


def add_skels(commands: Parsers) -> None:
    """Add ``corpus skels`` to a parser."""
    parser = commands.add_parser("skels", help="import .skels files with their texts, such as PHOENIX14T's")
    parser.add_argument("folder", type=Path, metavar="DIR", help="holds train.skels, train.text, train.gloss, ...")
    _add_output(parser)
    parser.add_argument("--source", choices=("text", "gloss"), default="text", help="what is read (default: text)")
    parser.add_argument("--variant", choices=("pt", "prompt2sign"), help="what the files must be (default: found out)")
    parser.add_argument(
        "--ignore-counter", action="store_true", help="take clips whatever the last number of their frames is"
    )
    parser.add_argument(
        "--normalise", action="store_true", help="put necks at the origin and shoulders 1/3 apart, whatever the unit"
    )
    parser.set_defaults(run=_skels)


def add_poses(commands: Parsers) -> None:
    """Add ``corpus poses`` to a parser."""
    parser = commands.add_parser("poses", help="import a folder of poses with their texts")
    parser.add_argument("folder", type=Path, metavar="DIR", help=".pose files, folders of OpenPose JSON, ...")
    _add_output(parser)
    parser.add_argument(
        "--texts",
        required=True,
        metavar="FILE",
        help="lines of name, text and maybe split (train, dev, test), divided by tabs; or 'beside': NAME.txt",
    )
    parser.add_argument(
        "--fractions",
        type=_fractions,
        metavar="A,B,C",
        help="shares of the texts in train, dev and test, if FILE names no splits (default: all in train)",
    )
    parser.add_argument("--seed", type=whole(0), default=0, help="draws the splits (default: 0)")
    parser.add_argument(
        "--fps", type=number(above=0), default=25.0, help="frames per second of the corpus (default: 25)"
    )
    parser.add_argument("--source-fps", type=number(above=0), help="of files that do not tell theirs (default: 25)")
    parser.add_argument(
        "--depth",
        type=_depth,
        metavar="HAND,ARM",
        help="shoulder widths per unit of MediaPipe's depth, 'none' for flat poses (default: measured)",
    )
    parser.set_defaults(run=_poses)


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="new or empty folder")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def _skels(arguments: argparse.Namespace) -> int:
    from signdiff_slp.corpora.skels_corpus import import_skels

    report = import_skels(
        arguments.folder,
        arguments.output,
        source=arguments.source,
        variant=arguments.variant,
        ignore_counter=arguments.ignore_counter,
        normalise=arguments.normalise,
        progress=progress,
    )
    return _print(report, arguments)


def _poses(arguments: argparse.Namespace) -> int:
    from signdiff_slp.corpora.listing import divide, list_beside, list_table
    from signdiff_slp.corpora.pose_corpus import import_poses

    beside = arguments.texts == "beside"
    sources = list_beside(arguments.folder) if beside else list_table(arguments.folder, Path(arguments.texts))
    if arguments.fractions is not None:
        if any(source.split for source in sources):
            raise ValueError(f"fractions must not be given where the texts name splits, as {arguments.texts} does.")
        sources = divide(sources, arguments.fractions, seed=arguments.seed)
    report = import_poses(
        sources,
        arguments.output,
        fps=arguments.fps,
        source_fps=arguments.source_fps,
        depth=arguments.depth,
        progress=progress,
    )
    return _print(report, arguments)


def _print(report: Report, arguments: argparse.Namespace) -> int:
    from signdiff_core.wording import list_causes

    if arguments.json:
        print(json.dumps(vars(report)))
        return 0
    for split, clips in report.clips.items():
        filled = f"{100 * report.filled[split]:.1f}% of the joints interpolated"
        print(f"{split:<6} {clips:>6} clips {report.frames[split]:>8} frames, {filled}")
    if report.left_out:
        print(f"{len(report.left_out)} clips were left out; report.json in {arguments.output} lists all:")
        print("\n".join(list_causes(report.left_out)))
    if report.notes:
        print(f"{len(report.notes)} notes on single clips are in report.json.")
    return 0


def _fractions(text: str) -> tuple[float, ...]:
    parts = _numbers(text)
    if len(parts) != 3 or not (min(parts) >= 0 and abs(sum(parts) - 1) <= 1e-6):
        raise argparse.ArgumentTypeError(
            f"expected three shares that sum to 1, as in 0.9,0.05,0.05, but got {shown(text)}"
        )
    return parts


def _depth(text: str) -> tuple[float, ...]:
    parts = (0.0, 0.0) if text == "none" else _numbers(text)
    if len(parts) != 2 or not all(math.isfinite(part) for part in parts):
        raise argparse.ArgumentTypeError(f"expected two numbers, as in 3.3,0.5, or none, but got {shown(text)}")
    return parts


def _numbers(text: str) -> tuple[float, ...]:
    """Read numbers that commas divide; none where some are not."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        return ()
