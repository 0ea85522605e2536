"""``signdiff-slp check``: tables of sentences, such as How2Sign's, against their clips."""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Any

from signdiff_slp.commands.parser import number
from signdiff_slp.commands.progress import progress


def add_check(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``check`` to a parser."""
    parser = commands.add_parser("check", help="check tables of sentences, such as How2Sign's, against their clips")
    parser.add_argument(
        "tables", type=Path, nargs="+", metavar="TABLE", help="such as how2sign_realigned_train.csv, or names and texts"
    )
    parser.add_argument(
        "--clips",
        type=Path,
        nargs="+",
        default=[],
        metavar="DIR",
        help="folders of clips: videos, keypoints or both (default: only the tables are checked)",
    )
    parser.add_argument("--videos", type=Path, nargs="+", default=[], metavar="DIR", help="folders of the whole videos")
    parser.add_argument("--split", choices=("train", "val", "test"), help="show the published count of this split")
    parser.add_argument("--fps", type=number(), help="frames per second of keypoints whose files do not say")
    parser.add_argument(
        "--tolerance", type=number(), default=0.5, metavar="S", help="seconds by which times may differ (default: 0.5)"
    )
    parser.add_argument(
        "--deep", action="store_true", help="read every frame, to find clips without a person or without motion"
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="table to write, with every finding")
    parser.add_argument("--json", action="store_true", help="print as JSON, with everything that is dropped and why")
    parser.set_defaults(run=_check)


def _check(arguments: argparse.Namespace) -> int:
    from signdiff_core.atomic import check_writable
    from signdiff_slp.prepare.checks.check import check
    from signdiff_slp.prepare.checks.findings import as_json, as_text, write_csv

    if arguments.csv is not None:
        check_writable(arguments.csv)
    findings = check(
        arguments.tables,
        arguments.clips,
        videos=arguments.videos,
        fps=arguments.fps,
        deep=arguments.deep,
        tolerance=arguments.tolerance,
        progress=partial(progress, name="check"),
    )
    if arguments.csv is not None:
        write_csv(findings, arguments.csv)
    if arguments.json:
        print(json.dumps(as_json(findings, arguments.split), ensure_ascii=False))
    else:
        print(as_text(findings, arguments.split))
    return 0
