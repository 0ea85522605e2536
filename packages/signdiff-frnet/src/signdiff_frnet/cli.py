"""The signdiff-frnet command: draws the FR maps of images, folders and videos.

Numpy, OpenCV and Pillow load after the arguments are read, so that ``--help`` answers at once.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import get_args

from signdiff_frnet import __version__
from signdiff_frnet.commands import CommandParser, Terminated, UsageError, run
from signdiff_frnet.jobs import PROG, plan
from signdiff_frnet.parameters import FRNetParameters, Preset, ThresholdMethod

DESCRIPTION = """Draw the FR maps of images and videos: dark strokes along edges, on white.
One image or video goes to the file OUT, if that has a suffix (v1.0 has none); everything else goes below the folder
OUT, as .png and .mp4, where a second run draws only what is missing, has changed, or had other options."""


def main(argv: list[str] | None = None) -> int:
    """Run the command; the exit status is 0 for success, 2 for wrong use, 1 for a failure."""
    return run(_parser(), argv, _annotate)


def _parser() -> CommandParser:
    parser = CommandParser(prog=PROG, description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
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
    add("--version", action="version", version=f"{PROG} {__version__}")
    return parser


def _annotate(arguments: argparse.Namespace) -> None:
    parameters = _parameters(arguments)
    output = arguments.output
    jobs = plan(arguments.inputs, output)

    from signdiff_frnet.drawing import Drawer, draw_folder

    names = ("detect_resolution", "image_resolution", "own_size", "scale_sizes", "side_by_side")
    drawer = Drawer(parameters=parameters, **{name: getattr(arguments, name) for name in names})
    if jobs[0].target == output:
        with _noting(lambda: f"{output} is as it was"):
            drawer.draw(jobs[0])
        return
    with _noting(lambda: f"what is in {output} is whole, and the same command draws the rest"):
        draw_folder(jobs, output, drawer, debug=arguments.debug)


@contextmanager
def _noting(note: Callable[[], str]) -> Iterator[None]:
    """Add to what ends the work early how things stand."""
    try:
        yield
    except (KeyboardInterrupt, Terminated) as error:
        error.add_note(note())
        raise


def _parameters(arguments: argparse.Namespace) -> FRNetParameters:
    from signdiff_frnet.contract import LARGEST

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


if __name__ == "__main__":
    sys.exit(main())
