"""``signdiff convert``: from one pose format to another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signdiff_core.cli.options import (
    debug_option,
    distribute,
    existing,
    given,
    is_video,
    json_option,
    misused,
    reading_options,
)
from signdiff_core.cli.output import naming, print_pose

if TYPE_CHECKING:  # pose_format is heavy to import
    from pose_format import Pose

_VARIANT = click.Choice(["pt", "prompt2sign"])


@click.command(short_help="Convert a pose to another format.")
@click.argument("source", metavar="IN", type=click.Path(path_type=Path), callback=existing)
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--from", "from_format", metavar="FORMAT", help="Format of IN.  [default: recognised by its content]")
@click.option("--to", "to_format", metavar="FORMAT", help="Format of OUT.  [default: by its suffix]")
@click.option("--index", type=click.IntRange(0), help="Which clip of a .skels file, from 0.")
@click.option("--clip", help="Which clip of a .skels file, by its name in the .files beside it, or of an .h5 file.")
@click.option("--variant", type=_VARIANT, help="Convention that a .skels file IN must follow.  [default: detected]")
@click.option("--to-variant", type=_VARIANT, help="Convention of a .skels file OUT.  [default: pt]")
@reading_options
@click.option(
    "--skeleton",
    type=click.Choice(["openpose50", "body_hands_face"]),
    help="Joints of OUT.  [default: with eyes, ears and face if IN has any]",
)
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
    person: int | None,
    picture: tuple[int, int] | None,
    skeleton: str | None,
    normalise: bool,
    as_json: bool,
) -> None:
    """Convert the pose in IN to the format of OUT: .pose, .skels, or a folder of OpenPose JSON (no suffix).

    IN may also be DWPose JSON, .npz of MediaPipe, .h5, and .pose of MediaPipe Holistic or OpenPose. One person is
    followed from frame to frame; of the detector's points, the 50 joints and those of HEAD and FACE are kept.

    The mark of a generated pose (IN.json, or generator.json in its folder) goes with it.
    """
    from signdiff_core import formats
    from signdiff_core.formats.dispatch import telling
    from signdiff_core.landmarks import has_loose_depth
    from signdiff_core.provenance import carrying
    from signdiff_core.skeleton import skeleton_of

    if from_format is None and is_video(source):
        raise misused(f"IN is a video, {str(source)!r}: signdiff estimate finds the pose of who signs in it")
    writer = formats.format_for(target, "write", name=to_format)
    writing = distribute(given({"variant": to_variant}), {"write": writer.write}, f"writing the format {writer.name!r}")
    of_file = {"index": index, "clip": clip, "variant": variant}
    pose = read_pose(source, from_format, of_file, fps=fps, person=person, size=picture, skeleton=skeleton)
    if skeleton is None and target.exists() and source.is_file() and target.samefile(source):
        points = formats.read(source, format=from_format).body.data.shape[2] if source.suffix == ".pose" else 0
        if points > pose.body.data.shape[2]:
            kept = pose.body.data.shape[2]
            raise misused(f"OUT must not be IN, of whose {points} points {kept} would be kept: {str(source)!r}")
    with naming(source):
        if normalise:
            kind = skeleton_of(pose)
            joints, confidence = kind.arrays(pose)
            if has_loose_depth(pose):
                joints[..., 2] = 0
            pose = kind.make_pose(formats.normalise(joints, confidence), pose.body.fps, confidence=confidence)
    with naming(source), carrying(source, target, folder="" in writer.suffixes), telling(writer.name, target):
        writer.write(pose, target, **writing["write"])
    print_pose(target, pose, as_json=as_json)


def read_pose(source: Path, name: str | None, options: Mapping[str, Any], **reading: Any) -> Pose:
    """Read a pose in the format called ``name`` or that fits, with the options that were given; others are ``None``.

    ``reading`` is of `signdiff_core.sources.read_pose`: ``fps``, ``person``, ``size`` and ``skeleton``.
    """
    from signdiff_core import sources
    from signdiff_core.formats.dispatch import format_for

    chosen = format_for(source, "read", name=name)
    shared = distribute(given(options), {"read": chosen.read}, f"reading the format {chosen.name!r}")
    return sources.read_pose(source, format=chosen.name, **shared["read"], **given(reading))
