"""The signdiff-frnet command: draws the FR maps of images, folders and videos.

Numpy, OpenCV and Pillow load after the arguments are read, so that ``--help`` answers at once.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from signdiff_frnet import __version__
from signdiff_frnet.commands import CommandParser, UsageError, run
from signdiff_frnet.jobs import Job, plan
from signdiff_frnet.parameters import FRNetParameters, Preset, ThresholdMethod

if TYPE_CHECKING:
    from signdiff_frnet.drawing import FrameDrawer

DESCRIPTION = """Draw the FR maps of images and videos: dark strokes along edges, on white.
One image or video goes to the file OUT; several, or folders, go below the folder OUT, as .png and .mp4."""


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: the arguments, or None for those of the process.

    Returns:
        The exit status: 0 success, 2 wrong use, 1 failure.
    """
    return run(_parser(), argv, _annotate)


def _parser() -> CommandParser:
    parser = CommandParser(
        prog="signdiff-frnet", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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
    add(
        "--scale-sizes",
        action="store_true",
        help="scale block and kernel from a short side of 512 pixels to the frame's",
    )
    add("--side-by-side", action="store_true", help="put each frame to the left of its map")
    add("--version", action="version", version=f"signdiff-frnet {__version__}")
    return parser


def _annotate(arguments: argparse.Namespace) -> None:
    parameters = _parameters(arguments)
    jobs = plan(arguments.inputs, arguments.output)

    from tqdm import tqdm

    # disable=None: a bar on a terminal, nothing elsewhere.
    with tqdm(total=len(jobs), unit="file", disable=None, leave=False) as bar:
        for job in jobs:
            bar.set_postfix_str(job.source.name)
            _prepare(job, arguments.output)
            drawer = _drawer(arguments, parameters, default_resolution=None if job.is_video else 512)
            if job.is_video:
                _annotate_video(job, drawer)
            else:
                _annotate_image(job, drawer)
            bar.update()


def _parameters(arguments: argparse.Namespace) -> FRNetParameters:
    for name in ("detect_resolution", "image_resolution"):
        value = getattr(arguments, name)
        if value is not None and value <= 32:
            raise UsageError(f"{name} must be greater than 32, but is {value}.")
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


def _prepare(job: Job, output: Path) -> None:
    if job.target != output:
        job.target.parent.mkdir(parents=True, exist_ok=True)


def _annotate_image(job: Job, drawer: "FrameDrawer") -> None:
    from signdiff_frnet.media import read_image
    from signdiff_frnet.writing import write_image

    write_image(job.target, drawer(read_image(job.source)))


def _annotate_video(job: Job, drawer: "FrameDrawer") -> None:
    from tqdm import tqdm

    from signdiff_frnet.media import probe_video, read_video
    from signdiff_frnet.writing import write_video

    fps, length = probe_video(job.source)
    with tqdm(read_video(job.source), total=length or None, unit="frame", disable=None, leave=False) as frames:
        write_video(job.target, (drawer(frame) for frame in frames), fps=fps)


if __name__ == "__main__":
    sys.exit(main())
