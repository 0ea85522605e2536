"""``signdiff-slp corpus ...`` and ``vocabulary``: corpora made here or of other people's poses, and what is in them."""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signdiff_slp.commands.parser import answer_missing, number, progress, whole
from signdiff_slp.text import shown

if TYPE_CHECKING:
    from signdiff_slp.corpora.writer import Report

    Parsers = argparse._SubParsersAction[Any]


def add_corpus(commands: Parsers) -> None:
    """Add ``corpus`` and its commands to a parser."""
    corpus = commands.add_parser("corpus", help="build corpora and look into them")
    answer_missing(corpus)
    kinds = corpus.add_subparsers(metavar="COMMAND")

    build = kinds.add_parser(
        "fingerspelling", help="build a corpus of words spelled with recorded letters; no word is in two splits"
    )
    build.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="new or empty folder")
    build.add_argument("--seed", type=whole(0), default=0, help="seed of words and timing (default: 0)")
    build.add_argument(
        "--share", type=number(above=0, most=1), default=1.0, help="size, as a share of 6,000 texts (default: 1)"
    )
    build.add_argument(
        "--signed-languages",
        default="ase",
        metavar="CODES",
        help="separated by commas, or 'all', see 'corpus languages' (default: ase); texts of others start with a tag",
    )
    build.add_argument("--json", action="store_true", help="print the summary as JSON")
    build.set_defaults(run=_fingerspelling)

    languages = kinds.add_parser(
        "languages", help="list the signed languages that can be spelled, and why others can't"
    )
    languages.add_argument("--json", action="store_true", help="print as JSON")
    languages.set_defaults(run=_languages)

    skels = kinds.add_parser("skels", help="import .skels files with their texts, such as PHOENIX14T's")
    skels.add_argument(
        "folder", type=Path, metavar="DIR", help="folder with train.skels, train.text, train.gloss and so on"
    )
    _add_output(skels)
    skels.add_argument(
        "--source", choices=("text", "gloss"), default="text", help="what the model will read (default: text)"
    )
    skels.add_argument(
        "--variant",
        choices=("pt", "prompt2sign"),
        help="convention that the files must follow (default: found in each line)",
    )
    skels.add_argument(
        "--ignore-counter", action="store_true", help="do not check the last number of each frame, its counter"
    )
    skels.add_argument(
        "--normalise", action="store_true", help="move necks to the origin and scale shoulders to be 1/3 apart"
    )
    skels.set_defaults(run=_skels)

    poses = kinds.add_parser("poses", help="import a folder of poses with their texts")
    poses.add_argument("folder", type=Path, metavar="DIR", help="folder of .pose files, OpenPose JSON and other poses")
    _add_output(poses)
    poses.add_argument(
        "--texts",
        required=True,
        metavar="FILE",
        help="table of name, text and optionally split, separated by tabs; or 'beside', for texts in NAME.txt",
    )
    poses.add_argument(
        "--fractions",
        type=_fractions,
        metavar="A,B,C",
        help="shares of the texts in train, dev and test, where FILE names no splits (default: all in train)",
    )
    poses.add_argument("--seed", type=whole(0), default=0, help="seed of the splits (default: 0)")
    poses.add_argument(
        "--fps", type=number(above=0), default=25.0, help="frames per second of the corpus (default: 25)"
    )
    poses.add_argument(
        "--source-fps", type=number(above=0), help="frame rate of files that do not tell theirs (default: 25)"
    )
    poses.add_argument(
        "--depth",
        type=_depth,
        metavar="HAND,ARM",
        help="shoulder widths per unit of MediaPipe's depth; 'none' for flat poses (default: measured)",
    )
    poses.add_argument(
        "--skeleton",
        choices=("openpose50", "body_hands_face"),
        default="openpose50",
        help="joints of the corpus: the 50, or with eyes, ears and face (default: openpose50)",
    )
    poses.set_defaults(run=_poses)

    depth = kinds.add_parser("depth", help="print how constant bone lengths are before and after scaling depth")
    depth.add_argument("--json", action="store_true", help="print as JSON")
    depth.set_defaults(run=_measure)

    export = kinds.add_parser("export", help="write clips of a corpus as .pose files, and their texts")
    export.add_argument("corpus", type=Path, metavar="CORPUS", help="a folder made by another 'corpus' command")
    export.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the files")
    export.add_argument(
        "--split", choices=("train", "dev", "test"), default="test", help="split to export (default: test)"
    )
    export.add_argument("--kind", choices=("word", "phrase", "string", "letter"), help="only clips of this kind")
    export.add_argument("--count", type=whole(1), help="at most this many, spread over the split")
    export.set_defaults(run=_export)


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="new or empty folder")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def add_vocabulary(commands: Parsers) -> None:
    """Add ``vocabulary`` to a parser."""
    parser = commands.add_parser("vocabulary", help="make the tokenizer file of a corpus from the texts of train")
    parser.add_argument("corpus", type=Path, metavar="CORPUS", help="a folder with train.tsv")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="file to write")
    parser.add_argument(
        "--kind",
        choices=("word", "gloss", "character", "sentencepiece"),
        required=True,
        help="what is a token; words and glosses are written as JSON, or one a line if FILE does not end in .json",
    )
    parser.add_argument(
        "--size", type=whole(), metavar="N", help="largest number of tokens, the four special ones included"
    )
    parser.add_argument(
        "--min-count", type=whole(), default=1, metavar="N", help="what occurs less often gets no token (default: 1)"
    )
    parser.add_argument(
        "--case", choices=("keep", "lower"), help="lower: texts are put in lower case first (default for characters)"
    )
    parser.set_defaults(run=_vocabulary)


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


def _languages(arguments: argparse.Namespace) -> int:
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
    from signdiff_core.skeleton import find_skeleton
    from signdiff_slp.corpora.pose_corpus import divide, import_poses, list_beside, list_table

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
        skeleton=find_skeleton(arguments.skeleton),
        progress=progress,
    )
    return _print(report, arguments)


def _print(report: Report, arguments: argparse.Namespace) -> int:
    from signdiff_core.wording import list_causes

    if report.generated:
        print(report.warning(), file=sys.stderr)
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


def _measure(arguments: argparse.Namespace) -> int:
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
    from signdiff_core.provenance import carrying
    from signdiff_core.skeleton import BODY_HANDS_FACE, NUM_JOINTS, OPENPOSE50
    from signdiff_slp.corpora.clips import CLIP_FPS
    from signdiff_slp.corpora.read import corpus_rate, read_split

    clips = read_split(arguments.corpus, arguments.split, kind=arguments.kind)
    if arguments.count is not None and arguments.count < len(clips):
        clips = [clips[int(i)] for i in np.linspace(0, len(clips) - 1, arguments.count)]
    fps = corpus_rate(arguments.corpus) or CLIP_FPS
    arguments.output.mkdir(parents=True, exist_ok=True)
    # What is spelled names its file, so that equal texts share one; sentences are too long for that.
    named = {re.sub("[<>]", "", clip.text).replace(" ", "_") if clip.holds else clip.name: clip for clip in clips}
    try:
        paths = {name: inside(arguments.output, name, ".pose") for name in named}
    except ValueError as error:
        raise ValueError(f"{arguments.corpus / arguments.split}.tsv: {error}") from error
    for name, clip in named.items():
        paths[name].parent.mkdir(parents=True, exist_ok=True)
        skeleton = OPENPOSE50 if clip.joints.shape[1] == NUM_JOINTS else BODY_HANDS_FACE
        with carrying(arguments.corpus / f"{arguments.split}.poses.npy", paths[name]):
            formats.write(skeleton.make_pose(clip.joints, fps), paths[name])
    with replacing(arguments.output / "texts.tsv") as temporary:
        lines = [f"{name}\t{clip.text}\n" for name, clip in named.items()]
        temporary.write_text("".join(lines), encoding="utf-8")
    print(f"{len(named)} poses at {fps:g} frames per second, and what they say in texts.tsv")
    return 0


def _vocabulary(arguments: argparse.Namespace) -> int:
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


def _fractions(text: str) -> tuple[float, ...]:
    parts = _numbers(text)
    if len(parts) != 3 or not (min(parts) >= 0 and abs(sum(parts) - 1) <= 1e-6):
        raise argparse.ArgumentTypeError(
            f"must be three shares that sum to 1, as in 0.9,0.05,0.05, but is {shown(text)}"
        )
    return parts


def _depth(text: str) -> tuple[float, ...]:
    parts = (0.0, 0.0) if text == "none" else _numbers(text)
    if len(parts) != 2 or not all(math.isfinite(part) for part in parts):
        raise argparse.ArgumentTypeError(f"must be two numbers, as in 3.3,0.5, or none, but is {shown(text)}")
    return parts


def _numbers(text: str) -> tuple[float, ...]:
    """Read numbers that commas divide; none where some are not."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        return ()
