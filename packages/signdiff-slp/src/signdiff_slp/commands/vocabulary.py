"""``signdiff-slp vocabulary``: the tokenizer file of a corpus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from signdiff_slp.commands.parser import whole

if TYPE_CHECKING:
    import argparse


def add_vocabulary(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to a parser."""
    parser = commands.add_parser("vocabulary", help="make the tokenizer file of a corpus from the texts of train")
    parser.add_argument("corpus", type=Path, metavar="CORPUS", help="a folder with train.tsv")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="file to write")
    parser.add_argument(
        "--kind",
        choices=("word", "gloss", "character", "sentencepiece"),
        required=True,
        help="what is a token; words and glosses are written as JSON, or one a line if FILE does not end in .json",
    )
    parser.add_argument("--size", type=whole(), metavar="N", help="most tokens, four special ones included")
    parser.add_argument(
        "--min-count", type=whole(), default=1, metavar="N", help="rarer ones get no token (default: 1)"
    )
    parser.add_argument(
        "--case", choices=("keep", "lower"), help="lower counts texts in lower case (default for characters)"
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from signdiff_slp.corpora.vocabulary import build_vocabulary

    kind, case = arguments.kind, arguments.case
    number = build_vocabulary(
        arguments.corpus,
        arguments.output,
        kind,
        size=arguments.size,
        min_count=arguments.min_count,
        lowercase=None if case is None else case == "lower",
    )
    print(f"{number} tokens. To train with them: --config model.config_overrides.vocab_size={number} \\")
    padding = " model.config_overrides.pad_idx=1" if kind in ("word", "gloss") else ""
    print(f"    tokenizer.path={arguments.output} tokenizer.family=slp_{kind}{padding}", end="")
    default = "lower" if kind == "character" else "keep"
    if kind != "sentencepiece" and case not in (None, default):
        print(f" tokenizer.config_overrides.lowercase={str(case == 'lower').lower()}", end="")
    print()
    return 0
