"""``signdiff-slp corpus languages``: which manual alphabets can be spelled, and why others can't."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse


def add_languages(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to a parser."""
    parser = commands.add_parser(
        "languages", help="list the signed languages that can be spelled, and why others can't"
    )
    parser.add_argument("--json", action="store_true", help="print as JSON")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from signdiff_slp.corpora.clips import read_clips
    from signdiff_slp.corpora.languages import LANGUAGES
    from signdiff_slp.corpora.letters import load_letters

    rows = []
    for language in LANGUAGES:
        row: dict[str, Any] = {"code": language.code, "name": language.name, "reason": language.reason}
        if not language.reason:
            letters = load_letters(language=language.code)
            recorded = [clip.letter for clip in read_clips(language=language.code)]
            row["letters"] = "".join(letters)
            row["moved"] = "".join(letter for letter, made in letters.items() if made.moves)
            row["left_out"] = "".join(letter for letter in recorded if letter not in letters)
        rows.append(row)
        if not arguments.json:
            print(_line(row), flush=True)
    if arguments.json:
        print(json.dumps(rows, ensure_ascii=False))
    return 0


def _line(row: dict[str, Any]) -> str:
    start = f"{row['code']}  {row['name']:<28}"
    if row["reason"]:
        return f"{start}  no: {row['reason']}"
    left_out = f"; not told apart and spelled without their marks: {row['left_out']}" if row["left_out"] else ""
    return f"{start} yes: {len(row['letters'])} letters, moved: {row['moved']}{left_out}"
