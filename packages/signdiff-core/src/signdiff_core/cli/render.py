"""``signdiff render`` and ``signdiff estimate``: somebody who signs, shown by another signer, and their pose."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signdiff_core.cli.convert import read_pose
from signdiff_core.cli.options import (
    check_device_is_taken,
    check_video,
    debug_option,
    existing,
    given,
    is_video,
    json_option,
    misused,
    not_over,
    output_file,
    reading_options,
    rendering,
    to_video,
)
from signdiff_core.cli.output import naming, print_video, track

if TYPE_CHECKING:  # all import NumPy: --help does without it
    from pose_format import Pose

    from signdiff_core.cli.parts import Renderer
    from signdiff_core.estimators.estimating import Estimated
    from signdiff_core.estimators.store import Person
    from signdiff_core.video.beside import Beside

estimator_option = click.option(
    "--estimator", default="holistic", show_default=True, help="Plug-in that finds the signer in a video."
)


@click.command(short_help="Find the pose of the signer in a video.")
@click.argument("source", metavar="VIDEO", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The .pose file to write.")
@estimator_option
@click.option(
    "--resume/--restart",
    default=None,
    help="Resume after the last frame that an interrupted run of the same command left, or discard what it found.",
)
@json_option
@debug_option
def estimate(source: Path, output: Path, estimator: str, resume: bool | None, as_json: bool) -> None:
    """Find body, face and hands of the signer in VIDEO, as pixels of the upright picture.

    The pose has the points of the estimator, MediaPipe Holistic's by default, as pose-format's own tools have them.
    """
    from signdiff_core.formats.pose import PoseFormat
    from signdiff_core.provenance import carrying

    output_file(output, ".pose", "--output")
    not_over(output, source)
    check_unfinished(output, resume)
    with estimating(source, output, estimator, resume=resume) as found, carrying(source, output):
        PoseFormat().write(found.pose, output)
    frames, fps = len(found.pose.body.data), float(found.pose.body.fps)
    if as_json:
        told = {"frames": frames, "seconds": frames / fps, "fps": fps, "frames_without_person": found.empty}
        click.echo(json.dumps({"pose": str(output), **told, "estimator": estimator}))
    else:
        click.echo(f"{output}: {frames} frames, {frames / fps:.2f} s at {fps:g} frames per second")


@click.command(short_help="Turn a pose, or a video of somebody who signs, into a video of a signer.")
@click.argument("source", metavar="IN", type=click.Path(path_type=Path), callback=existing)
@to_video
@rendering
@click.option("--device", help="Where to run the model, such as cpu or cuda.  [default: the best there is]")
@click.option("--index", type=click.IntRange(0), help="Which clip, from 0, in a file that holds several.")
@estimator_option
@reading_options
@click.option(
    "--beside",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="VIDEO",
    help="The pose's source: that, the pose's drawing and the signer are shown side by side, with the source's sound.",
)
@json_option
@debug_option
def render(
    source: Path,
    output: Path,
    resume: bool | None,
    renderer: str,
    device: str | None,
    index: int | None,
    estimator: str,
    fps: float | None,
    person: int | None,
    picture: tuple[int, int] | None,
    beside: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Turn the pose in IN (any format that convert reads) into a video of a signer.

    IN may be a video of somebody who signs: their pose is estimated first, and another signer signs it.
    """
    from signdiff_core.cli.parts import Renderer
    from signdiff_core.formats.coordinates import visible
    from signdiff_core.framing import recorded_camera
    from signdiff_core.video.outputs import RESUMED

    not_over(output, source, beside)
    # What is written at once is not resumed, but the poses of a video that were found are.
    resume_frames = None if is_video(source) and output.suffix.lower() not in RESUMED else resume
    width, height = check_video(output, options, resume_frames) or (1, 1)
    if beside is not None and options["background"] == "transparent":
        raise misused("--background transparent is not for --beside: a row of pictures is opaque")
    is_recorded = options["framing"] == "recorded"
    draw = Renderer(renderer, given(options), device=device)
    check_device_is_taken(device, draw.takes_device)
    if is_video(source):
        check_unfinished(output, resume)
    with posed(source, output, estimator, resume=resume) as path:
        pose = read_pose(path, None, {"index": index}, fps=fps, person=person, size=picture)
        with naming(source):
            if is_recorded:  # now: once normalised, the pose tells nothing of its picture
                draw.set("framing", recorded_camera(pose, width=width, height=height))
            visible(pose)  # or an error that names the file
        row = None if beside is None else _beside(draw, pose, beside, output)
        info = draw(pose, output, resume=resume_frames, row=row)
    print_video(output, info, as_json=as_json, renderer=renderer, seed=options["seed"])


def _beside(draw: Renderer, pose: Pose, source: Path, output: Path) -> Beside:
    """Open the source of a row; what does not agree with the pose, and sound that is lost, is told in a note."""
    from signdiff_core.video.beside import Beside
    from signdiff_core.video.outputs import SOUNDING
    from signdiff_core.video.sound import has_sound

    shown = {name: draw.options["render"][name] for name in ("framing", "missing") if name in draw.options["render"]}
    row = Beside(source, pose, **shown)
    told = [row.told] if row.told else []
    if output.suffix.lower() not in SOUNDING and has_sound(source):
        told.append(f"the sound of {source} is not kept: {output.suffix or 'a folder of PNG'} holds none")
    for line in told:
        click.echo(f"signdiff: note: {line}.", err=True)
    return row


def check_unfinished(output: Path, resume: bool | None) -> None:
    """Make sure that nothing that an interrupted run found is discarded unless the user says so."""
    from signdiff_core.estimators.store import EstimateStore

    store = EstimateStore(output)
    if resume is None and (frames := store.frames()):
        raise misused(
            f"an interrupted command left the poses of {frames:,} frames ({store.folder}): "
            f"give --resume to continue after them, or --restart to discard them"
        )
    if resume is False:
        store.remove()


@contextmanager
def estimating(source: Path, output: Path, estimator: str, *, resume: bool | None) -> Generator[Estimated]:
    """Estimate the pose of a video for a file that the block makes of it.

    What is found is kept beside that file until the block ends well; what ends it early gets a note that says so.
    Raises what `estimate_video` does.
    """
    from signdiff_core.cli.parts import stamp_of
    from signdiff_core.estimators.estimating import estimate_video
    from signdiff_core.estimators.store import EstimateStore
    from signdiff_core.formats.files import FormatError
    from signdiff_core.video.reading import VideoError

    store = EstimateStore(output)
    begun = store.frames() if resume else 0
    if begun:
        click.echo(f"signdiff: note: resuming after the poses of {begun:,} frames", err=True)
    try:
        try:
            found = estimate_video(source, estimator, store=store, stamp=stamp_of(source), track=_bar)
        except (FormatError, VideoError):
            store.remove()  # the video will not be another one
            raise
        for note in found.notes():
            click.echo(f"signdiff: note: {source}: {note}", err=True)
        yield found
    except BaseException as error:
        frames = store.frames()
        if frames > begun or (frames and isinstance(error, KeyboardInterrupt)):  # else it would fail at once, again
            error.add_note(
                f"the poses of {frames:,} frames are kept ({store.folder}), and the same command with --resume "
                "continues after them"
            )
        raise
    store.remove()


def _bar(found: Iterable[list[Person]], total: int, done: int) -> Iterable[list[Person]]:
    return track(found, total=total, what="Finding the signer", done=done)


@contextmanager
def posed(source: Path, output: Path, estimator: str, *, resume: bool | None) -> Generator[Path]:
    """Give a pose file for what a user named: a video's, which is estimated for the file made of it, or that one.

    Raises what `estimating` does.
    """
    from signdiff_core.estimators.store import EstimateStore
    from signdiff_core.formats.pose import PoseFormat

    if not is_video(source):
        yield source
        return
    with estimating(source, output, estimator, resume=resume) as found:
        path = EstimateStore(output).folder / f"{source.stem}.pose"
        PoseFormat().write(found.pose, path)
        yield path
