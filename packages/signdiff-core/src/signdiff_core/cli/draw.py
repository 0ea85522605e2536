"""``signdiff draw``: the control images of a pose, a folder of PNG or a video for each map."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from signdiff_core.cli.convert import read_pose
from signdiff_core.cli.options import (
    check_sides,
    debug_option,
    existing,
    given,
    is_video,
    json_option,
    map_names,
    misused,
    not_over,
    reading_options,
    rendering_of_poses,
    wrong,
)
from signdiff_core.cli.output import naming, track
from signdiff_core.cli.render import check_unfinished, estimator_option, posed

if TYPE_CHECKING:  # both import NumPy: --help does without it
    import numpy as np
    from numpy.typing import NDArray

    from signdiff_core.video.reading import VideoInfo

_SETTINGS: Final = "settings.json"
_DEFAULT: Final = "openpose,depth,normal"


@click.command(short_help="Draw the control images of a pose: OpenPose, depth, normals, edges, FR maps.")
@click.argument("source", metavar="IN", type=click.Path(path_type=Path), callback=existing)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The folder to write.")
@click.option(
    "--maps",
    metavar="NAME,...",
    callback=map_names,
    default=_DEFAULT,
    show_default=True,
    help="Out of openpose, depth, normal, softedge, canny and frnet; any other annotator that is installed looks at "
    "the avatar's frame.",
)
@click.option(
    "--suffix",
    type=click.Choice(["", ".mp4", ".webm", ".gif", ".webp"]),
    metavar=".mp4|.webm|.gif|.webp",
    default="",
    help="Write a video of this kind for each map.  [default: a folder of PNG]",
)
@rendering_of_poses
@click.option("--include-face", is_flag=True, help="Draw eyes, ears and face in OpenPose drawings, too.")
@click.option("--device", default="cpu", show_default=True, help="Where to draw, such as cpu or cuda:0.")
@click.option(
    "--resume/--restart",
    default=None,
    help="Resume after the last frame that an interrupted run of the same command left, or discard its frames.",
)
@click.option("--index", type=click.IntRange(0), help="Which clip, from 0, in a file that holds several.")
@estimator_option
@reading_options
@json_option
@debug_option
def draw(
    source: Path,
    output: Path,
    maps: tuple[str, ...],
    suffix: str,
    resume: bool | None,
    index: int | None,
    estimator: str,
    fps: float | None,
    person: int | None,
    picture: tuple[int, int] | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Draw the maps of the pose in IN that ControlNets know, without any model.

    The avatar performs the pose; its depth, normals and edges look as the detectors of controlnet-aux would find
    them. IN is what render takes: a pose in any format, or a video of somebody who signs. Each map is a folder of PNG
    in OUTPUT, or a video.
    """
    from signdiff_core.avatar.maps import check_maps, control_maps
    from signdiff_core.cli.parts import fingerprint
    from signdiff_core.plugins import PluginError, pip_line
    from signdiff_core.video.outputs import EVEN, RESUMED

    try:
        names = check_maps(maps)
    except ValueError as error:
        raise wrong(str(error), "--maps") from error
    if find_spec("warp") is None:
        raise PluginError(f"draw needs warp, which is not installed. To get it: {pip_line('signdiff-core[avatar]')}")
    not_over(output, source)
    check_sides(options["size"], options["width"], options["height"], even=suffix in EVEN)
    _check_output(output)
    if resume and suffix not in RESUMED:
        raise misused(f"--resume is not for {suffix}, which is written at once: only .mp4 and folders of PNG are")
    partial = _partial(output)
    if resume is None and partial.exists():
        raise misused(
            f"an interrupted command left {partial}: give --resume to continue there, or --restart to discard it"
        )
    if is_video(source):
        check_unfinished(output, resume)
    with posed(source, output, estimator, resume=resume) as path:
        pose = read_pose(path, None, {"index": index}, fps=fps, person=person, size=picture)
        settings = fingerprint(pose, {"maps": ", ".join(names), "suffix": suffix, **given(options)})

        def frames(start: int) -> Iterator[dict[str, NDArray[np.uint8]]]:
            total = len(pose.body.data)
            with naming(source):
                drawn = control_maps(pose, names, start=start, **given(options))
            return track(drawn, total=total, what="Drawing maps", done=start)

        written = _write(frames, output, [f"{name}{suffix}" for name in names], float(pose.body.fps), settings, resume)
    if as_json:
        first = next(iter(written.values()))
        size = {"width": first.width, "height": first.height}
        told = {"frames": first.frames, "seconds": first.seconds, "fps": first.fps, **size}
        places = zip(names, written, strict=True)
        click.echo(json.dumps({"maps": {name: str(output / file) for name, file in places}, **told}))
    else:
        for file, info in written.items():
            size_ = f"{info.width}x{info.height}"
            click.echo(f"{output / file}: {info.frames} frames, {info.seconds:.2f} s, {size_}")


def _partial(output: Path) -> Path:
    return output.with_name(f"{output.name}.partial")


def _check_output(output: Path) -> None:
    """Refuse what is no new or empty folder, and what is in the way of the folder that is written first."""
    if output.suffix.lower() in (".mp4", ".webm", ".gif", ".webp"):
        raise wrong(f"must be a folder, but is {str(output)!r}: --suffix {output.suffix} makes videos.", "--output")
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise wrong(f"must be a new or an empty folder, but {str(output)!r} is there.", "--output")
    if not output.absolute().parent.is_dir():
        raise wrong(f"must lie in a folder, but {str(output.parent)!r} does not exist.", "--output")
    partial = _partial(output)
    if partial.exists() and not (partial / _SETTINGS).is_file():
        raise wrong(f"{str(partial)!r} is in the way: it is not what an interrupted draw leaves.", "--output")


def _write(
    frames: Callable[[int], Iterator[Mapping[str, NDArray[np.uint8]]]],
    output: Path,
    files: list[str],
    fps: float,
    settings: Mapping[str, str],
    resume: bool | None,
) -> dict[str, VideoInfo]:
    """Write the maps, from a frame on, each to its own name in a folder that appears when all are whole.

    Raises ValueError where an interrupted call left other maps than these.
    """
    from signdiff_core.atomic import move_folder, replacing
    from signdiff_core.formats.files import load_json
    from signdiff_core.video.outputs import open_output, unfinished
    from signdiff_core.wording import different_settings

    partial = _partial(output)
    if resume and partial.exists():
        if others := different_settings(load_json(partial / _SETTINGS), settings):
            raise ValueError(f"{partial}: expected maps of the same settings, but {', '.join(others)}.")
    else:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        with replacing(partial / _SETTINGS) as temporary:
            temporary.write_text(json.dumps(settings))
    try:
        with ExitStack() as stack:
            writers: list[Any] = []
            for file in files:
                _remove(partial / file)  # which was whole already: all of them are, or none
                opened = open_output(partial / file, fps, settings=settings, resume=resume or None)
                writers.append(stack.enter_context(opened))
            start = min(writer.frames for writer in writers)
            if start:
                click.echo(f"signdiff: note: resuming after frame {start:,}", err=True)
            for number, maps in enumerate(frames(start), start):
                for writer, picture in zip(writers, maps.values(), strict=True):
                    if number >= writer.frames:
                        writer.write(picture)
    except BaseException as error:
        kept = min((unfinished(partial / file) for file in files), default=0)
        if kept:
            error.add_note(
                f"{kept:,} frames are kept ({partial}), and the same command with --resume continues after them"
            )
        else:
            shutil.rmtree(partial, ignore_errors=True)
        raise
    (partial / _SETTINGS).unlink()
    move_folder(partial, output)
    return {file: writer.info for file, writer in zip(files, writers, strict=True)}


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
