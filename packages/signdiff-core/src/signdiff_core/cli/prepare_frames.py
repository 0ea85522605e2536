"""``signdiff prepare-frames``: from videos and their poses to a training set."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from signdiff_core.cli.options import debug_option, json_option, misused, wrong
from signdiff_core.cli.output import track
from signdiff_core.wording import list_causes

if TYPE_CHECKING:  # which import NumPy: --help does without it
    from signdiff_core.engines import Shard
    from signdiff_core.prepare.assemble import Report
    from signdiff_core.prepare.gather import Clip
    from signdiff_core.prepare.shards import FrameWork


@click.command("prepare-frames", short_help="Make a training set from videos and their poses.")
@click.argument("videos", metavar="VIDEO_DIR", type=click.Path(path_type=Path))
@click.argument("poses", metavar="POSES", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="A new or empty folder.")
@click.option(
    "--format",
    "layout",
    type=click.Choice(["folder", "webdataset"]),
    default="folder",
    show_default=True,
    help="A folder of files for each clip, or tar archives.",
)
@click.option("--size", type=int, default=512, show_default=True, help="Side of the frames in pixels.")
@click.option("--every", type=int, metavar="N", default=1, show_default=True, help="Keep every Nth frame.")
@click.option("--fps", type=float, help="Keep this many frames per second of video.  [default: all]")
@click.option(
    "--captions",
    type=click.Path(path_type=Path),
    help="Table, separated by commas or tabs, with one column of clips (name, id or SENTENCE_NAME) and one of captions "
    "(text, caption or SENTENCE).",
)
@click.option("--prompt", help='One caption for all frames.  [default: "a signer"]')
@click.option(
    "--min-confidence", type=float, default=0.1, show_default=True, help="Joints with less confidence count as absent."
)
@click.option(
    "--min-hand-confidence",
    type=float,
    default=0.2,
    show_default=True,
    help="Leave out frames in which a hand is in the picture, but its joints have a lower mean confidence.",
)
@click.option(
    "--max-padding",
    type=float,
    default=0.25,
    show_default=True,
    help="Leave out clips in which a larger share of the square around the signer lies outside the picture.",
)
@click.option(
    "--image-format", type=click.Choice(["jpg", "png"]), default="jpg", show_default=True, help="Format of the frames."
)
@click.option("--quality", type=int, default=95, show_default=True, help="JPEG quality of the frames, up to 100.")
@click.option(
    "--person", type=int, help="Which of several people: 1 for the most likely signer, 2 for the next.  [default: 1]"
)
@click.option(
    "--skeleton",
    type=click.Choice(["openpose50", "body_hands_face"]),
    default="openpose50",
    show_default=True,
    help="Joints of the set: the 50, or with eyes, ears and face.",
)
@click.option(
    "--frnet",
    metavar="NAME=VALUE",
    multiple=True,
    help="A setting of FR-Net, such as offset=7; may be repeated.  [default: the annotator's]",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Run on this machine, or under Ray.",
)
@click.option("--workers", type=click.IntRange(1), default=os.cpu_count() or 1, help="Processes.  [default: all cores]")
@click.option(
    "--shard", type=click.IntRange(1), default=16, show_default=True, help="Clips in one task, and in one archive."
)
@json_option
@debug_option
def prepare_frames(
    videos: Path,
    poses: Path,
    output: Path,
    captions: Path | None,
    prompt: str | None,
    frnet: Sequence[str],
    engine: Literal["local", "ray"],
    workers: int,
    shard: int,
    as_json: bool,
    **settings: Any,
) -> None:
    """Cut the signers out of the videos in VIDEO_DIR, with the poses of the same names in POSES.

    POSES holds files or folders of any pose format, in pixels of the videos. The same command resumes a run that was
    interrupted.
    """
    from signdiff_core import engines
    from signdiff_core.diffusion.frmap import FRMapper
    from signdiff_core.prepare.assemble import assemble
    from signdiff_core.prepare.gather import gather, read_captions
    from signdiff_core.prepare.plan import BEFORE, Settings, hashes_of, manifest_of, plan
    from signdiff_core.prepare.shards import FrameWork

    is_there = engines.is_made(output)
    if captions is not None and prompt is not None:
        raise misused("--captions or --prompt can be given, not both")
    if engine == "ray":
        engines.check_ray("signdiff-core[prepare]")
    mapper = FRMapper(**_frnet(frnet, FRMapper().parameters))
    chosen = Settings(frnet=tuple(mapper.parameters.items()), **settings)
    gathered = gather(videos, poses, read_captions(captions) if captions else prompt or "a signer")
    work = FrameWork(chosen, output.with_name(f"{output.name}.work"))
    if is_there:
        clips = {clip.name: clip for clip in gathered.clips}
        now = manifest_of(clips.values(), chosen)
        hashes = lambda name: hashes_of(clips[name])  # noqa: E731
        click.echo(engines.finished(output, now, hashes, what="caption", before=BEFORE))
        shutil.rmtree(work.home, ignore_errors=True)  # which a run that was killed at its end left
        return
    shards = plan(gathered.clips, chosen, shard=shard)
    work.make_folders()
    with engines.noting_what_is_kept(shards, work, work.home, work.clear):
        _run(shards, work, engine=engine, workers=workers)
        report = assemble(shards, work, output, left_out=gathered.left_out)
    _print_report(report, output, as_json=as_json)


def _frnet(given: Sequence[str], known: dict[str, Any]) -> dict[str, Any]:
    """Read settings of FR-Net; a value is of the kind that its default has."""
    settings = {}
    for setting in given:
        name, equals, value = setting.partition("=")
        if not equals or name not in known:
            raise wrong(f"must be NAME=VALUE with a name of {', '.join(known)}, but is {setting!r}.", "--frnet")
        try:
            settings[name] = type(known[name])(value)
        except ValueError:
            kind = type(known[name]).__name__
            raise wrong(f"{name} must be a {kind}, but is {value!r}.", "--frnet") from None
    return settings


def _run(shards: Sequence[Shard[Clip]], work: FrameWork, *, engine: Literal["local", "ray"], workers: int) -> None:
    """Prepare what is not stored, and show how far it is."""
    from signdiff_core import engines

    total, left = sum(len(shard.items) for shard in shards), sum(work.count_left(shard) for shard in shards)
    if left < total:
        click.echo(f"{total - left} clips are finished, {left} are left.", err=True)
    done = engines.run(shards, work, engine=engine, workers=workers, extra="signdiff-core[prepare]")
    begun = sum(len(shard.items) for shard in shards if work.count_left(shard))
    for _ in track((name for shard in done for name in shard.items), total=begun, what="Preparing clips"):
        pass


def _print_report(report: Report, output: Path, *, as_json: bool) -> None:
    if report.generated:
        made = ", ".join(f"{count:,} by {maker:.100}" for maker, count in report.generated.items())
        click.echo(f"signdiff: warning: clips are marked as generated, and so is {output}: {made}", err=True)
    if as_json:
        click.echo(json.dumps({"output": str(output), **vars(report)}, ensure_ascii=False))
        return
    click.echo(f"{output}: {report.frames} frames of {report.clips} clips, which have {report.video_frames}")
    for reason, count in report.left_out_frames.items():
        if count:
            click.echo(f"  {count} frames were left out: {reason}")
    if report.left_out:
        click.echo(f"{len(report.left_out)} videos or poses were left out; report.json lists all:")
        click.echo("\n".join(list_causes(report.left_out)))
    click.echo(f"Look at {output / 'preview.png'} before you train.")
