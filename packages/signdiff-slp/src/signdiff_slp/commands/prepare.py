"""``signdiff-slp prepare``: from clips as detectors leave them to a corpus that trains."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signdiff_core import engines
from signdiff_core.checks import check_device
from signdiff_core.wording import by_cause, list_causes
from signdiff_slp.commands.parser import number, whole
from signdiff_slp.commands.progress import progress_bar

if TYPE_CHECKING:
    from signdiff_slp.prepare.assemble import Written
    from signdiff_slp.prepare.gather import Gathered
    from signdiff_slp.prepare.plan import Shard
    from signdiff_slp.prepare.quality import Limits
    from signdiff_slp.prepare.settings import Settings

_SPLITS = ("train", "dev", "test")


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
        "--work", type=Path, metavar="DIR", help="for what is finished, until all is (default: OUTPUT.work)"
    )
    parser.add_argument("--engine", choices=("local", "ray"), default="local", help="default: local")
    parser.add_argument("--workers", type=whole(), default=os.cpu_count() or 1, help="processes (default: all cores)")
    parser.add_argument(
        "--shard",
        type=whole(),
        default=16,
        metavar="CLIPS",
        help="clips that are lifted and stored together: more are faster, fewer lose less to a kill (default: 16)",
    )
    parser.add_argument(
        "--kind",
        choices=("openpose", "dwpose", "mediapipe", "h5", "pose", "video"),
        help="only clips of this kind (default: all; keypoints go before videos)",
    )
    parser.add_argument("--fps", type=number(), default=25.0, help="frames per second of the corpus (default: 25)")
    parser.add_argument(
        "--source-fps", type=number(), default=24.0, help="of clips that do not tell theirs (default: 24)"
    )
    parser.add_argument(
        "--tolerance",
        type=number(),
        default=0.5,
        metavar="SECONDS",
        help="clips that are shorter than How2Sign's table says by more are left out (default: 0.5)",
    )
    parser.add_argument(
        "--min-confidence", type=number(), default=0.1, help="joints below it are filled (default: 0.1)"
    )
    parser.add_argument("--fill", choices=("interpolate", "median"), default="interpolate", help="absent joints")
    parser.add_argument("--steps", type=whole(), default=200, help="of the lifting (default: 200)")
    parser.add_argument("--smoothness", type=number(), default=0.01, help="of the lifting, in time (default: 0.01)")
    parser.add_argument("--device", default="cpu", help="a torch device for the lifting (default: cpu)")
    parser.add_argument("--mirror", action="store_true", help="mirror left-handed signers")
    parser.add_argument("--min-observed", type=number(), default=0.0, help="least share of joints that were seen")
    parser.add_argument("--max-bone-deviation", type=number(), default=math.inf, help="from the usual limbs")
    parser.add_argument("--max-jitter", type=number(), default=math.inf, help="in shoulder widths per squared frame")
    parser.add_argument("--skels", action="store_true", help="write .skels, .text and .files, too")
    parser.add_argument("--seed", type=whole(0), default=0, help="draws the clips of the preview (default: 0)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.set_defaults(run=_prepare)


def _prepare(arguments: argparse.Namespace) -> int:
    from signdiff_slp.prepare.gather import Gathered
    from signdiff_slp.prepare.plan import plan
    from signdiff_slp.prepare.quality import Limits
    from signdiff_slp.prepare.settings import Settings

    output: Path = arguments.output
    work: Path = arguments.work or output.with_name(f"{output.name}.work")
    is_there = output.exists() and (not output.is_dir() or any(output.iterdir()))
    if is_there and not (output / "manifest.json").is_file():
        raise FileExistsError(f"output must be new or empty, or what the same command made, but {output} is not.")
    for name in ("workers", "shard"):
        if getattr(arguments, name) < 1:
            raise ValueError(f"{name} must be at least 1, but is {getattr(arguments, name)}.")
    names = ("fps", "source_fps", "min_confidence", "fill", "steps", "smoothness", "device", "mirror")
    settings = Settings(**{name: getattr(arguments, name) for name in names})
    limits = Limits(**{name: getattr(arguments, name) for name in ("min_observed", "max_bone_deviation", "max_jitter")})
    if arguments.engine == "ray":
        engines.check_ray("signdiff-slp[prepare]")
    else:  # under Ray, other machines have other devices
        check_device(settings.device)
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
    if is_there:
        return _finished(shards, settings, limits, arguments)
    work.mkdir(parents=True, exist_ok=True)
    try:
        written = _make(shards, settings, limits, work, gathered, arguments)
    except BaseException as error:
        _tell_kept(error, shards, work)
        raise
    _clear(shards, work)
    _print(written, arguments)
    return 0


def _make(
    shards: list[Shard],
    settings: Settings,
    limits: Limits,
    work: Path,
    gathered: Gathered,
    arguments: argparse.Namespace,
) -> Written:
    """Prepare what is not stored, and make the corpus of it."""
    from signdiff_slp.prepare.assemble import assemble

    for left in work.glob(".*.tmp"):  # by a run that was killed
        left.unlink(missing_ok=True)
    _run(shards, settings, work, arguments)
    return assemble(
        shards,
        work,
        arguments.output,
        settings,
        limits=limits,
        dropped=gathered.dropped,
        findings=gathered.findings,
        tolerance=arguments.tolerance,
        skels=arguments.skels,
        seed=arguments.seed,
    )


def _finished(shards: list[Shard], settings: Settings, limits: Limits, arguments: argparse.Namespace) -> int:
    """Say that the corpus is there, if it is the one that was asked for."""
    from signdiff_slp.prepare.manifest import differences, known_options, made_by_this_code

    output: Path = arguments.output
    options = known_options(limits, skels=arguments.skels, seed=arguments.seed, tolerance=arguments.tolerance)
    differ = differences(output, settings, options, shards)
    if differ:
        raise FileExistsError(f"{output} is finished, but of other inputs or settings: {'; '.join(differ)}.")
    by = "" if made_by_this_code(output) else ", by another version of the code"
    print(f"{output} is finished: it was made of the same inputs with the same settings{by}.")
    work: Path = arguments.work or output.with_name(f"{output.name}.work")
    if work.is_dir():
        _clear(shards, work)
    return 0


def _tell_kept(error: BaseException, shards: list[Shard], work: Path) -> None:
    """Note on what ended the run how much of it is kept, and how to go on."""
    kept = sum(len(shard.tasks) for shard in shards if (work / shard.file).exists())
    if kept:
        total = sum(len(shard.tasks) for shard in shards)
        error.add_note(f"{kept:,} of {total:,} clips are finished ({work}), and the same command goes on after them")
    else:
        with suppress(OSError):
            work.rmdir()


def _run(shards: list[Shard], settings: Settings, work: Path, arguments: argparse.Namespace) -> None:
    """Process what is not stored, and tell how far it is and how fast."""
    from signdiff_slp.prepare.engines.local import run_local
    from signdiff_slp.prepare.engines.ray import run_ray

    left = [shard for shard in shards if not (work / shard.file).exists()]
    clips = sum(len(shard.tasks) for shard in left)
    finished = sum(len(shard.tasks) for shard in shards) - clips
    if finished:
        print(f"{finished} clips are finished, {clips} are left.", file=sys.stderr)
    if not left:
        return
    began = time.monotonic()
    bar = progress_bar(clips, "clips", unit="clip")

    def done(shard: Shard) -> None:
        bar.update(len(shard.tasks))

    run = run_ray if arguments.engine == "ray" else run_local
    run(left, settings, work, workers=arguments.workers, done=done)
    bar.close()
    hours = (time.monotonic() - began) / 3600
    print(f"{clips} clips in {3600 * hours:.0f} s, {clips / hours:.0f} an hour.", file=sys.stderr)


def _clear(shards: list[Shard], work: Path) -> None:
    """Remove what was stored; the folder, too, if nothing else is in it."""
    for shard in shards:
        (work / shard.file).unlink(missing_ok=True)
    try:
        work.rmdir()
    except OSError:
        print(f"{work} holds shards of other inputs or settings, and is left.", file=sys.stderr)


def _print(written: Written, arguments: argparse.Namespace) -> None:
    report = written.report
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
