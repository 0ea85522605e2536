"""The command ``signdiff-slp``: texts to poses, and the corpora and vocabularies for it."""

from __future__ import annotations

import argparse
import json
import re
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from signdiff_core.interruption import exit_status, unwind_on_sigterm, word_for
from signdiff_core.wording import one_line
from signdiff_slp import __version__
from signdiff_slp.commands.check import add_check
from signdiff_slp.commands.curves import add_curves
from signdiff_slp.commands.imports import add_poses, add_skels
from signdiff_slp.commands.languages import add_languages
from signdiff_slp.commands.missing import answer_missing
from signdiff_slp.commands.parser import CommandParser, number, whole
from signdiff_slp.commands.prepare import add_prepare
from signdiff_slp.commands.progress import progress
from signdiff_slp.commands.sign import add_sign
from signdiff_slp.commands.step import add_step
from signdiff_slp.commands.vocabulary import add_vocabulary
from signdiff_slp.shown import told

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: arguments; those of the process if not given.

    Returns:
        0 for success, 1 for failure, 130 after Ctrl-C, 143 after SIGTERM. Wrong use exits with 2.
    """
    unwind_on_sigterm()
    try:
        arguments = _parser().parse_args(argv)
        return int(arguments.run(arguments))
    except KeyboardInterrupt as stop:
        kept = one_line(_notes(stop) or "nothing half-written was left")
        print(f"signdiff-slp: {word_for(stop)}; {kept}.", file=sys.stderr)
        return exit_status(stop)
    except (OSError, ValueError, ModuleNotFoundError) as error:
        if arguments.debug:
            raise
        notes = _notes(error)
        line = f"{told(error).rstrip('.')}; {notes}." if notes else told(error)
        print(f"signdiff-slp: error: {one_line(line)}", file=sys.stderr)
        return 1


def _notes(error: BaseException) -> str:
    """What the command adds to an error, such as what was kept."""
    return "; ".join(getattr(error, "__notes__", ()))


def _parser() -> CommandParser:
    parser = CommandParser(prog="signdiff-slp", description="Text to pose, and corpora for it.")
    parser.add_argument("--version", action="version", version=f"signdiff-slp {__version__}")
    parser.add_argument("--debug", action="store_true", help="show where an error comes from")
    answer_missing(parser)
    commands = parser.add_subparsers(metavar="COMMAND")
    corpus = commands.add_parser("corpus", help="build corpora and look into them")
    answer_missing(corpus)
    kinds = corpus.add_subparsers(metavar="COMMAND")

    build = kinds.add_parser("fingerspelling", help="spell words with real letters, split by word")
    build.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="new or empty folder")
    build.add_argument("--seed", type=whole(0), default=0, help="draws words and timing (default: 0)")
    build.add_argument(
        "--share", type=number(above=0, most=1), default=1.0, help="size, as a share of 6,000 items (default: 1)"
    )
    build.add_argument(
        "--signed-languages",
        default="ase",
        metavar="CODES",
        help="divided by commas, or 'all'; other than ase alone, texts get tags (see 'corpus languages'; default: ase)",
    )
    build.add_argument("--json", action="store_true", help="print the summary as JSON")
    build.set_defaults(run=_fingerspelling)

    add_languages(kinds)
    add_skels(kinds)
    add_poses(kinds)

    depth = kinds.add_parser("depth", help="how constant bone lengths are before and after scaling depth")
    depth.add_argument("--json", action="store_true", help="print as JSON")
    depth.set_defaults(run=_depth)

    export = kinds.add_parser("export", help="write items of a corpus as .pose files, and their texts")
    export.add_argument("corpus", type=Path, metavar="CORPUS", help="a folder made by another 'corpus' command")
    export.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the files")
    export.add_argument("--split", choices=("train", "dev", "test"), default="test", help="default: test")
    export.add_argument("--kind", choices=("word", "phrase", "string", "letter"), help="only items of this kind")
    export.add_argument("--count", type=whole(1), help="at most so many, spread over the split")
    export.set_defaults(run=_export)

    add_check(commands)
    add_prepare(commands)
    add_step(commands)
    add_vocabulary(commands)
    add_sign(commands)
    add_curves(commands)
    return parser


def _fingerspelling(arguments: argparse.Namespace) -> int:
    from signdiff_slp.corpora.fingerspelling import build
    from signdiff_slp.corpora.languages import choose_languages
    from signdiff_slp.corpora.words import FULL

    codes = arguments.signed_languages.split(",")
    languages = [] if codes == ["ase"] else choose_languages(codes)

    sizes = {split: size.scaled(arguments.share) for split, size in FULL.items()}
    summaries = build(
        arguments.output, seed=arguments.seed, sizes=sizes, progress=partial(progress, unit="text"), languages=languages
    )
    if arguments.json:
        print(json.dumps({split: vars(summary) for split, summary in summaries.items()}))
        return 0
    for split, summary in summaries.items():
        print(f"{split:<6} {summary.items:>6} texts {summary.letters:>7} letters {summary.frames:>8} frames")
    return 0


def _depth(arguments: argparse.Namespace) -> int:
    from signdiff_slp.corpora.clips import read_clips
    from signdiff_slp.corpora.depth import measure_depth

    fits = measure_depth(read_clips())
    if arguments.json:
        print(json.dumps([vars(fit) for fit in fits]))
        return 0
    print("part   depth factor   variation of bone lengths (before / after)   frames")
    for fit in fits:
        print(f"{fit.part:<6} {fit.factor:>12.0f} {fit.variation_before:>28.3f} / {fit.variation_after:.3f}", end="")
        print(f" {fit.frames:>16}")
    return 0


def _export(arguments: argparse.Namespace) -> int:
    import numpy as np

    from signdiff_core import formats
    from signdiff_core.atomic import replacing
    from signdiff_core.checks import inside
    from signdiff_core.skeleton import make_pose
    from signdiff_slp.corpora.clips import CLIP_FPS
    from signdiff_slp.corpora.rate import corpus_rate
    from signdiff_slp.corpora.read import read_split

    examples = read_split(arguments.corpus, arguments.split, kind=arguments.kind)
    if arguments.count is not None and arguments.count < len(examples):
        examples = [examples[int(i)] for i in np.linspace(0, len(examples) - 1, arguments.count)]
    fps = corpus_rate(arguments.corpus) or CLIP_FPS
    arguments.output.mkdir(parents=True, exist_ok=True)
    # What is spelled names its file, so that equal texts share one; sentences are too long for that.
    named = {
        re.sub("[<>]", "", example.text).replace(" ", "_") if example.holds else example.name: example
        for example in examples
    }
    try:
        paths = {name: inside(arguments.output, name, ".pose") for name in named}
    except ValueError as error:
        raise ValueError(f"{arguments.corpus / arguments.split}.tsv: {error}") from error
    for name, example in named.items():
        paths[name].parent.mkdir(parents=True, exist_ok=True)
        formats.write(make_pose(example.joints, fps), paths[name])
    with replacing(arguments.output / "texts.tsv") as temporary:
        lines = [f"{name}\t{example.text}\n" for name, example in named.items()]
        temporary.write_text("".join(lines), encoding="utf-8")
    print(f"{len(named)} poses at {fps:g} frames per second, and what they say in texts.tsv")
    return 0


if __name__ == "__main__":
    sys.exit(main())
