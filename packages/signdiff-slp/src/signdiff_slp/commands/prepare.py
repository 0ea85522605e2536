"""``signdiff-slp check`` and ``prepare``: from tables and clips as detectors leave them to a corpus that trains."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signdiff_slp.commands.parser import number, progress, whole

if TYPE_CHECKING:
    from signdiff_core.engines.work import Shard
    from signdiff_slp.prepare.assemble import Written
    from signdiff_slp.prepare.plan import Task
    from signdiff_slp.prepare.shards import ShardWork

_SPLITS = ("train", "dev", "test")


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
    parser.add_argument(
        "--split",
        type=lambda split: "dev" if split == "val" else split,  # as How2Sign calls it
        choices=_SPLITS,
        help="show the published count of this split",
    )
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


def add_prepare(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``prepare`` to a parser."""
    parser = commands.add_parser("prepare", help="make a corpus of keypoints or videos, such as How2Sign's")
    for split in _SPLITS:
        parser.add_argument(
            f"--{split}",
            nargs=2,
            action="append",
            default=[],
            type=Path,
            metavar=("CLIPS", "TEXTS"),
            help="a folder of clips, and a table of How2Sign or of names and texts; may be given again",
        )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="new or empty folder")
    parser.add_argument(
        "--work",
        type=Path,
        metavar="DIR",
        help="where finished clips are kept until the corpus is complete (default: OUTPUT.work)",
    )
    parser.add_argument("--engine", choices=("local", "ray"), default="local", help="default: local")
    parser.add_argument("--workers", type=whole(), default=os.cpu_count() or 1, help="processes (default: all cores)")
    parser.add_argument(
        "--shard",
        type=whole(),
        default=16,
        metavar="CLIPS",
        help="clips that are stored together: with fewer, an interruption loses less (default: 16)",
    )
    parser.add_argument(
        "--kind",
        choices=("openpose", "dwpose", "mediapipe", "h5", "pose", "video"),
        help="only clips of this kind (default: all kinds; of a clip with keypoints and a video, the keypoints)",
    )
    parser.add_argument("--fps", type=number(), default=25.0, help="frames per second of the corpus (default: 25)")
    parser.add_argument(
        "--source-fps",
        type=number(),
        default=24.0,
        help="frames per second of clips whose files do not say (default: 24)",
    )
    parser.add_argument(
        "--tolerance",
        type=number(),
        default=0.5,
        metavar="SECONDS",
        help="how much shorter than How2Sign's table says a clip may be; shorter ones are left out (default: 0.5)",
    )
    add_cleaning(parser)
    add_lifting(parser)
    parser.add_argument("--mirror", action="store_true", help="mirror left-handed signers")
    parser.add_argument(
        "--skeleton",
        choices=("openpose50", "body_hands_face"),
        default="openpose50",
        help="joints of the corpus: the 50, or with eyes, ears and face (default: openpose50)",
    )
    parser.add_argument(
        "--min-observed",
        type=number(),
        default=0.0,
        help="least share of joints that the detector saw; clips with less are left out (default: 0)",
    )
    parser.add_argument(
        "--max-bone-deviation",
        type=number(),
        default=math.inf,
        help="largest deviation of a clip's limbs from the usual ones (default: any)",
    )
    parser.add_argument(
        "--max-jitter",
        type=number(),
        default=math.inf,
        help="largest mean acceleration, in shoulder widths per squared frame (default: any)",
    )
    parser.add_argument("--skels", action="store_true", help="also write .skels, .text and .files")
    parser.add_argument("--seed", type=whole(0), default=0, help="draws the clips of the preview (default: 0)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.set_defaults(run=_prepare)


def add_cleaning(parser: argparse.ArgumentParser) -> None:
    """Add the options of cleaning to a parser."""
    parser.add_argument(
        "--min-confidence", type=number(), default=0.1, help="joints with less confidence are filled (default: 0.1)"
    )
    parser.add_argument(
        "--fill",
        choices=("interpolate", "median"),
        default="interpolate",
        help="how absent joints are filled (default: interpolate, in time)",
    )


def add_lifting(parser: argparse.ArgumentParser) -> None:
    """Add the options of lifting to a parser."""
    parser.add_argument(
        "--smoothing",
        type=number(),
        default=0.5,
        metavar="FRAMES",
        help="standard deviation by which what is seen is smoothed in time; 0 for none (default: 0.5)",
    )
    for name in ("--steps", "--smoothness", "--device"):
        parser.add_argument(name, action=_Gone, help=argparse.SUPPRESS)


class _Gone(argparse.Action):
    """An option of the search that lifted clips before: it is taken, and said to do nothing."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        option = self.option_strings[0]
        print(
            f"{parser.prog}: warning: {option} has no effect: lifting is no search in steps any more.", file=sys.stderr
        )


def _prepare(arguments: argparse.Namespace) -> int:
    from signdiff_core.engines.pools import check_ray
    from signdiff_core.engines.work import finished, is_made, noting_what_is_kept
    from signdiff_core.wording import by_cause
    from signdiff_slp.prepare.assemble import assemble
    from signdiff_slp.prepare.plan import BEFORE, GONE, Gathered, Options, Settings, hash_again, manifest_of, plan
    from signdiff_slp.prepare.quality import Limits
    from signdiff_slp.prepare.shards import ShardWork

    output: Path = arguments.output
    is_there = is_made(output)
    for name in ("workers", "shard"):
        if getattr(arguments, name) < 1:
            raise ValueError(f"{name} must be at least 1, but is {getattr(arguments, name)}.")
    names = ("fps", "source_fps", "min_confidence", "fill", "smoothing", "mirror", "skeleton")
    settings = Settings(**{name: getattr(arguments, name) for name in names})
    limits = Limits(**{name: getattr(arguments, name) for name in ("min_observed", "max_bone_deviation", "max_jitter")})
    options = Options(limits=limits, **{name: getattr(arguments, name) for name in ("skels", "seed", "tolerance")})
    if arguments.engine == "ray":
        check_ray("signdiff-slp[prepare]")
    gathered = Gathered()
    for split in _SPLITS:
        for clips, texts in getattr(arguments, split):
            gathered.add(
                split, clips, texts, kind=arguments.kind, fps=arguments.source_fps, tolerance=arguments.tolerance
            )
    if not gathered.tasks:
        causes = "; ".join(map(str, by_cause(gathered.dropped)))
        why = f": {causes}." if causes else "."
        raise ValueError(f"--train, --dev and --test must name clips with texts, but there are none{why}")
    shards = plan(gathered.tasks, settings, clips=arguments.shard)
    work = ShardWork(settings, arguments.work or output.with_name(f"{output.name}.work"))
    if is_there:
        tasks = {task.name: task for task in gathered.tasks}
        now = manifest_of(gathered.tasks, settings, options)

        def hashes(name: str) -> str:
            return hash_again(tasks[name], settings)

        print(finished(output, now, hashes, what="text or split", before=BEFORE, gone=GONE))
    else:
        work.folder.mkdir(parents=True, exist_ok=True)
        for left in work.folder.glob(".*.tmp"):  # by a run that was killed
            left.unlink(missing_ok=True)
        with noting_what_is_kept(shards, work, work.folder, lambda: _remove(work.folder)):
            _run(shards, work, arguments)
            written = assemble(shards, work, output, gathered, options)
        _print(written, arguments)
    for shard in shards:
        work.file_of(shard).unlink(missing_ok=True)
    if work.folder.is_dir() and not _remove(work.folder):
        what = "it holds shards of other inputs, settings or versions; remove it if no run needs them"
        print(f"{work.folder} is left: {what}.", file=sys.stderr)
    return 0


def _remove(folder: Path) -> bool:
    """Remove a folder if it is empty."""
    with suppress(OSError):
        folder.rmdir()
    return not folder.exists()


def _run(shards: list[Shard[Task]], work: ShardWork, arguments: argparse.Namespace) -> None:
    """Prepare what is not stored, and tell how far it is and how fast."""
    from signdiff_core.engines.pools import run

    total, left = sum(len(shard.items) for shard in shards), sum(work.count_left(shard) for shard in shards)
    if left < total:
        print(f"{total - left} clips are finished, {left} are left.", file=sys.stderr)
    if not left:
        return
    began = time.monotonic()
    done = run(shards, work, engine=arguments.engine, workers=arguments.workers, extra="signdiff-slp[prepare]")
    for _ in progress((name for shard in done for name in shard.items), total=left):
        pass
    seconds = time.monotonic() - began
    print(f"{left} clips in {seconds:.0f} s, {3600 * left / seconds:.0f} an hour.", file=sys.stderr)


def _print(written: Written, arguments: argparse.Namespace) -> None:
    from signdiff_core.wording import list_causes

    report = written.report
    if report.generated:
        print(report.warning(), file=sys.stderr)
    if arguments.json:
        found = [{"clip": each.clip, "kind": each.kind, "detail": each.detail} for each in written.findings]
        print(json.dumps({**vars(report), "findings": found}, ensure_ascii=False))
        return
    for split, clips in report.clips.items():
        filled = f"{100 * report.filled[split]:.1f}% of the joints were not seen"
        print(f"{split:<6} {clips:>6} clips {report.frames[split]:>8} frames, {filled}")
    if report.left_out:
        print(f"{len(report.left_out)} clips or texts were left out; report.json in {arguments.output} lists all:")
        print("\n".join(list_causes(report.left_out)))
    odd = [each for each in written.findings if not each.drops]
    if odd:
        print(f"{len(odd)} findings on clips that were kept are in report.json and quality.tsv:")
        print("\n".join(list_causes([(each.clip, f"{each.kind}: {each.detail}") for each in odd])))
    if written.failures:
        print(f"{len(written.failures)} clips failed; failures.log has their tracebacks.")
    print(f"Look at {arguments.output / 'preview.png'} before you train.")
