"""``signdiff convert``: from one pose format to another."""

from __future__ import annotations

from pathlib import Path

import click

from signdiff_core.cli.options import FiniteRange, debug_option, distribute, existing, given, json_option
from signdiff_core.cli.output import naming, print_pose

_VARIANT = click.Choice(["pt", "prompt2sign"])


@click.command(short_help="Convert a pose to another format.")
@click.argument("source", metavar="IN", type=click.Path(path_type=Path), callback=existing)
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--from", "from_format", metavar="FORMAT", help="Format of IN.  [default: recognised by its content]")
@click.option("--to", "to_format", metavar="FORMAT", help="Format of OUT.  [default: by its suffix]")
@click.option("--index", type=click.IntRange(0), help="Which clip of a .skels file, from 0.")
@click.option("--clip", help="Which clip of a .skels file, by its name in the .files beside it.")
@click.option("--variant", type=_VARIANT, help="Convention that a .skels file IN must follow.  [default: detected]")
@click.option("--to-variant", type=_VARIANT, help="Convention of a .skels file OUT.  [default: pt]")
@click.option("--fps", type=FiniteRange(0, 1000, min_open=True), help="Frames per second, if IN does not say.")
@click.option("--normalise", is_flag=True, help="Put the neck at the origin and the shoulders 1/3 apart.")
@json_option
@debug_option
def convert(
    source: Path,
    target: Path,
    from_format: str | None,
    to_format: str | None,
    index: int | None,
    clip: str | None,
    variant: str | None,
    to_variant: str | None,
    fps: float | None,
    normalise: bool,
    as_json: bool,
) -> None:
    """Convert the pose in IN to the format of OUT: .pose, .skels, or a folder of OpenPose JSON (no suffix).

    The mark of a generated pose (IN.json, or generator.json in its folder) goes with it.
    """
    from signdiff_core import formats
    from signdiff_core.cli.parts import read_pose
    from signdiff_core.formats.dispatch import telling
    from signdiff_core.provenance import carrying
    from signdiff_core.skeleton import joints_of, make_pose

    writer = formats.format_for(target, "write", name=to_format)
    writing = distribute(given({"variant": to_variant}), {"write": writer.write}, f"writing the format {writer.name!r}")
    pose = read_pose(source, from_format, {"index": index, "clip": clip, "variant": variant, "fps": fps})
    with naming(source):
        if normalise:
            joints, confidence = joints_of(pose)
            pose = make_pose(formats.normalise(joints, confidence), pose.body.fps, confidence=confidence)
    with naming(source), carrying(source, target, folder="" in writer.suffixes), telling(writer.name, target):
        writer.write(pose, target, **writing["write"])
    print_pose(target, pose, as_json=as_json)
