"""The signdiff-frnet command: draws the FR maps of images, folders and videos.

Numpy, OpenCV and Pillow load after the arguments are read, so that ``--help`` answers at once.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from signdiff_frnet import __version__
from signdiff_frnet.commands import CommandParser, SomeFailedError, Terminated, UsageError, run, tell
from signdiff_frnet.jobs import Job, plan
from signdiff_frnet.parameters import FRNetParameters, Preset, ThresholdMethod

if TYPE_CHECKING:
    from signdiff_frnet.drawing import FrameDrawer

DESCRIPTION = """Draw the FR maps of images and videos: dark strokes along edges, on white.
One image or video goes to the file OUT, if that has a suffix (v1.0 has none); everything else goes below the folder
OUT, as .png and .mp4, where a second run draws only what is missing, has changed, or had other options."""

_PROG = "signdiff-frnet"

_SIZES = ("detect_resolution", "image_resolution", "own_size", "scale_sizes", "side_by_side")
"""Options that decide the maps of a folder, beside FR-Net's parameters."""


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: the arguments, or None for those of the process.

    Returns:
        The exit status: 0 success, 2 wrong use, 1 failure.
    """
    return run(_parser(), argv, _annotate)


def _parser() -> CommandParser:
    parser = CommandParser(prog=_PROG, description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("inputs", nargs="+", type=Path, metavar="IN", help="image, video, or folder that is searched for both")
    add("-o", "--output", required=True, type=Path, metavar="OUT", help="file or folder to write")
    add("--preset", choices=get_args(Preset), default="paper", help="parameters by name (%(default)s)")
    add("--threshold-method", choices=get_args(ThresholdMethod), help="instead of the preset's")
    add("--block-size", type=int, metavar="N", help="odd, 3 to 255, instead of the preset's")
    add("--offset", type=float, metavar="C", help="in grey levels, instead of the preset's")
    add("--kernel-size", type=int, metavar="N", help="odd, 1 to 255, instead of the preset's")
    own = "(512 for images, the own size for videos)"
    add("--detect-resolution", type=int, metavar="PX", help=f"short side that is annotated {own}")
    add("--image-resolution", type=int, metavar="PX", help=f"short side that is written {own}")
    add("--own-size", action="store_true", help="draw images at their own size, too")
    add(
        "--scale-sizes",
        action="store_true",
        help="scale block and kernel from a short side of 512 pixels to the frame's",
    )
    add("--side-by-side", action="store_true", help="put each frame to the left of its map")
    add("--version", action="version", version=f"{_PROG} {__version__}")
    return parser


def _annotate(arguments: argparse.Namespace) -> None:
    parameters = _parameters(arguments)
    jobs = plan(arguments.inputs, arguments.output)
    if jobs[0].target == arguments.output:
        with _noting(lambda: f"{arguments.output} is as it was"):
            _draw(jobs[0], arguments, parameters)
        return

    from signdiff_frnet.session import Session

    settings = {name: getattr(arguments, name) for name in _SIZES} | asdict(parameters)
    with _noting(lambda: f"what is in {arguments.output} is whole, and the same command goes on after it"):
        session = Session(arguments.output, settings)
        missing = [job for job in jobs if not session.is_drawn(job)]
        if len(missing) < len(jobs):
            tell(_PROG, f"{len(jobs) - len(missing)} of {len(jobs)} maps are in {arguments.output} already")

        def draw(job: Job) -> None:
            job.target.parent.mkdir(parents=True, exist_ok=True)
            _draw(job, arguments, parameters)
            session.note(job)

        _draw_each(missing, draw, arguments)


def _draw_each(jobs: list[Job], draw: Callable[[Job], None], arguments: argparse.Namespace) -> None:
    """Draw what can be drawn, and tell at the end what could not."""
    from tqdm import tqdm

    from signdiff_frnet.errors import OutputError

    failures: list[Exception] = []
    try:
        # disable=None: a bar on a terminal, nothing elsewhere.
        with tqdm(jobs, unit="file", disable=None, leave=False) as bar:
            for job in bar:
                bar.set_postfix_str(job.source.name)
                try:
                    draw(job)
                except OutputError:  # the next file would fare no better
                    raise
                except (ValueError, OSError) as error:
                    if arguments.debug:
                        raise
                    failures.append(error)
    finally:
        for failure in failures:
            tell(_PROG, failure)
    if failures and len(jobs) == 1:
        raise SomeFailedError
    if failures:
        tell(_PROG, f"{len(failures)} of {len(jobs)} files could not be drawn; the others are in {arguments.output}")
        raise SomeFailedError


@contextmanager
def _noting(note: Callable[[], str]) -> Iterator[None]:
    """Add to what ends the work early how things stand."""
    try:
        yield
    except (KeyboardInterrupt, Terminated) as error:
        error.add_note(note())
        raise


def _draw(job: Job, arguments: argparse.Namespace, parameters: FRNetParameters) -> None:
    own_size = job.is_video or arguments.own_size
    drawer = _drawer(arguments, parameters, default_resolution=None if own_size else 512)
    (_annotate_video if job.is_video else _annotate_image)(job, drawer)


def _parameters(arguments: argparse.Namespace) -> FRNetParameters:
    from signdiff_frnet.sizes import LARGEST

    for name in ("detect_resolution", "image_resolution"):
        value = getattr(arguments, name)
        if value is not None and not 32 < value <= LARGEST:
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} must be a number of pixels above 32 and up to {LARGEST}, but is {value}.")
    names = ("threshold_method", "block_size", "offset", "kernel_size")
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    try:
        return replace(FRNetParameters.preset(arguments.preset), **given)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _drawer(
    arguments: argparse.Namespace, parameters: FRNetParameters, *, default_resolution: int | None
) -> "FrameDrawer":
    from signdiff_frnet.drawing import FrameDrawer

    return FrameDrawer(
        parameters=parameters,
        detect_resolution=arguments.detect_resolution or default_resolution,
        image_resolution=arguments.image_resolution or default_resolution,
        scale_sizes=arguments.scale_sizes,
        side_by_side=arguments.side_by_side,
    )


def _annotate_image(job: Job, drawer: "FrameDrawer") -> None:
    from signdiff_frnet.pictures import read_image
    from signdiff_frnet.writing import write_image

    frame = read_image(job.source)
    try:
        fr_map = drawer(frame)
    except ValueError as error:
        raise ValueError(f"{job.source}: {error}") from error
    write_image(job.target, fr_map)


def _annotate_video(job: Job, drawer: "FrameDrawer") -> None:
    from tqdm import tqdm

    from signdiff_frnet.media import probe_video, read_video
    from signdiff_frnet.writing import write_video

    timing = probe_video(job.source)
    total = timing.count or None
    with tqdm(read_video(job.source), total=total, unit="frame", disable=None, leave=False) as frames:
        write_video(job.target, (drawer(frame) for frame in frames), fps=timing.fps)
    if timing.is_variable:
        tell(
            _PROG,
            f"note: {job.source}: its frame rate varies, that of its maps does not: at {timing.fps:.4g} frames per "
            f"second, a map is shown up to {timing.drift:.2f} s before or after its frame (each frame has its map)",
        )


if __name__ == "__main__":
    sys.exit(main())
