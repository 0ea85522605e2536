"""``signdiff estimate``, and the videos that ``signdiff render`` takes: the pose of somebody who signs."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signdiff_core.cli.options import debug_option, json_option, misused, output_file
from signdiff_core.cli.output import track

if TYPE_CHECKING:  # both import NumPy: --help does without it
    from signdiff_core.estimators import Estimated
    from signdiff_core.estimators.store import Person

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
    check_unfinished(output, resume)
    with estimating(source, output, estimator, resume=resume) as found, carrying(source, output):
        PoseFormat().write(found.pose, output)
    frames, fps = len(found.pose.body.data), float(found.pose.body.fps)
    if as_json:
        told = {"frames": frames, "seconds": frames / fps, "fps": fps, "frames_without_person": found.empty}
        click.echo(json.dumps({"pose": str(output), **told, "estimator": estimator}))
    else:
        click.echo(f"{output}: {frames} frames, {frames / fps:.2f} s at {fps:g} frames per second")


def check_unfinished(output: Path, resume: bool | None) -> None:
    """Make sure that nothing that an interrupted run found is discarded unless the user says so."""
    from signdiff_core.estimators import EstimateStore

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
    from signdiff_core.estimators import EstimateStore, estimate_video
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
    from signdiff_core.estimators import EstimateStore
    from signdiff_core.formats.pose import PoseFormat

    if not is_video(source):
        yield source
        return
    with estimating(source, output, estimator, resume=resume) as found:
        path = EstimateStore(output).folder / f"{source.stem}.pose"
        PoseFormat().write(found.pose, path)
        yield path


def is_video(path: Path) -> bool:
    """Tell whether a path is a video, by its suffix."""
    from signdiff_core.video.steady import SUFFIXES

    return path.suffix.lower() in SUFFIXES and path.is_file()
