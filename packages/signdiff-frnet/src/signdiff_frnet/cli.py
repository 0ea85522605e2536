"""The signdiff-frnet command: draws the FR maps of images, folders and videos.

Numpy, OpenCV and Pillow load after the arguments are read, so that ``--help`` answers at once.
"""

import argparse
import sys
from pathlib import Path
from typing import Any, get_args

from signdiff_frnet import __version__
from signdiff_frnet.commands import CommandParser, UsageError, run
from signdiff_frnet.jobs import Job, plan
from signdiff_frnet.parameters import DEFAULTS, FRNetParameters, ThresholdMethod

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
    add(
        "--threshold-method", choices=get_args(ThresholdMethod), default=DEFAULTS.threshold_method, help="(%(default)s)"
    )
    add("--block-size", type=int, default=DEFAULTS.block_size, metavar="N", help="odd, at least 3 (%(default)s)")
    add("--offset", type=float, default=DEFAULTS.offset, metavar="C", help="in grey levels (%(default)s)")
    add("--kernel-size", type=int, default=DEFAULTS.kernel_size, metavar="N", help="odd, at least 1 (%(default)s)")
    add("--detect-resolution", type=int, default=512, metavar="PX", help="short side that is annotated (%(default)s)")
    add("--image-resolution", type=int, default=512, metavar="PX", help="short side that is written (%(default)s)")
    add("--version", action="version", version=f"signdiff-frnet {__version__}")
    return parser


def _annotate(arguments: argparse.Namespace) -> None:
    settings = _settings(arguments)
    jobs = plan(arguments.inputs, arguments.output)

    from tqdm import tqdm

    # disable=None: a bar on a terminal, nothing elsewhere.
    with tqdm(total=len(jobs), unit="file", disable=None, leave=False) as bar:
        for job in jobs:
            bar.set_postfix_str(job.source.name)
            _prepare(job, arguments.output)
            if job.is_video:
                _annotate_video(job, settings)
            else:
                _annotate_image(job, settings)
            bar.update()


def _settings(arguments: argparse.Namespace) -> dict[str, Any]:
    names = ("threshold_method", "block_size", "offset", "kernel_size")
    parameters = {name: getattr(arguments, name) for name in names}
    try:
        FRNetParameters(**parameters)
    except ValueError as error:
        raise UsageError(str(error)) from None
    for name in ("detect_resolution", "image_resolution"):
        if getattr(arguments, name) <= 32:
            raise UsageError(f"{name} must be greater than 32, but is {getattr(arguments, name)}.")
        parameters[name] = getattr(arguments, name)
    return parameters


def _prepare(job: Job, output: Path) -> None:
    if job.target != output:
        job.target.parent.mkdir(parents=True, exist_ok=True)


def _annotate_image(job: Job, settings: dict[str, Any]) -> None:
    from signdiff_frnet.detector import FRNetDetector
    from signdiff_frnet.media import read_image
    from signdiff_frnet.writing import write_image

    write_image(job.target, FRNetDetector()(read_image(job.source), **settings))


def _annotate_video(job: Job, settings: dict[str, Any]) -> None:
    from tqdm import tqdm

    from signdiff_frnet.detector import FRNetDetector
    from signdiff_frnet.media import probe_video, read_video
    from signdiff_frnet.writing import write_video

    detector = FRNetDetector()
    fps, length = probe_video(job.source)
    with tqdm(read_video(job.source), total=length or None, unit="frame", disable=None, leave=False) as frames:
        write_video(job.target, (detector(frame, **settings) for frame in frames), fps=fps)


if __name__ == "__main__":
    sys.exit(main())
