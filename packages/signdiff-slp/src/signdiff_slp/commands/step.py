"""``signdiff-slp step``: the steps of a preparation one by one, from ``.pose`` to ``.pose``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signdiff_slp.commands.parser import answer_missing, number
from signdiff_slp.commands.prepare import add_cleaning, add_lifting

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pose_format import Pose


def add_step(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``step`` to a parser."""
    parser = commands.add_parser("step", help="do one step of a preparation to one clip")
    answer_missing(parser, "STEP")
    steps = parser.add_subparsers(metavar="STEP")

    read = steps.add_parser("read", help="read a clip and choose its signer, in pixels")
    read.add_argument("clip", type=Path, metavar="CLIP", help="a folder of JSON, .npz, .h5, .pose or video")
    read.add_argument("--name", help="of the clip, where CLIP holds several")
    read.add_argument(
        "--source-fps", type=number(), default=24.0, help="frames per second if no file says (default: 24)"
    )
    _finish(read, _read)

    clean = steps.add_parser("clean", help="take out doubtful joints and fill absent ones")
    add_cleaning(clean)
    _finish(clean, _clean, "clip", "in pixels")

    lift = steps.add_parser("lift", help="lift a clip from the picture into space")
    add_lifting(lift)
    _finish(lift, _lift, "clip", "in pixels, without absent joints")

    normalise = steps.add_parser("normalise", help="put the neck at the origin, the shoulders 1/3 apart, and resample")
    normalise.add_argument("--fps", type=number(), default=25.0, help="frames per second (default: 25)")
    normalise.add_argument("--mirror", action="store_true", help="mirror the signer")
    _finish(normalise, _normalise, "clip", "lifted")

    quality = steps.add_parser("quality", help="print how much was seen, the jitter and the share of the left hand")
    quality.add_argument("clip", type=Path, metavar="POSE", help="normalised")
    quality.set_defaults(run=_quality)


def _finish(parser: argparse.ArgumentParser, run: Any, argument: str = "", what: str = "") -> None:
    if argument:
        parser.add_argument(argument, type=Path, metavar="POSE", help=what)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="pose to write")
    parser.set_defaults(run=run)


def _read(arguments: argparse.Namespace) -> int:
    from signdiff_core.sources.find import find_clips
    from signdiff_core.sources.read import read
    from signdiff_core.sources.signer import choose_signer

    sources = {source.name: source for source in find_clips(arguments.clip)}
    name = arguments.name or next(iter(sources))
    if name not in sources or (len(sources) > 1 and not arguments.name):
        raise ValueError(f"name must be that of one of the {len(sources)} clips, such as {name!r}.")
    seen = choose_signer(read(sources[name], arguments.source_fps))
    for note in seen.notes:
        print(note)
    _write(arguments.output, seen.in_space, seen.fps, seen.size)
    return 0


def _clean(arguments: argparse.Namespace) -> int:
    from signdiff_slp.prepare.clean import clean

    points, pose = _points(arguments.clip)
    flat, depth = points[..., [0, 1, 3]], points[..., 2]
    cleaned = clean(flat, depth, min_confidence=arguments.min_confidence, fill=arguments.fill)
    print(f"{cleaned.doubtful:.1%} of the joints were doubtful, {cleaned.filled:.1%} were filled")
    if cleaned.never.any():
        print(f"{int(cleaned.never.sum())} of 50 joints are seen in no frame")
    _write(arguments.output, cleaned.in_space, pose.body.fps, _size(pose))
    return 0


def _lift(arguments: argparse.Namespace) -> int:
    import numpy as np

    from signdiff_core.lifting import lift

    points, pose = _points(arguments.clip)
    joints = lift(points, smoothing=arguments.smoothing)
    _write(arguments.output, np.concatenate([joints, points[..., 3:]], axis=-1), pose.body.fps, _size(pose))
    return 0


def _normalise(arguments: argparse.Namespace) -> int:
    import numpy as np

    from signdiff_core import formats
    from signdiff_core.skeleton import joints_of
    from signdiff_slp.prepare.shards import mirror, to_normal

    pose = formats.read(arguments.clip)
    joints = to_normal(joints_of(pose)[0], pose.body.fps, arguments.fps)
    joints = np.ascontiguousarray(mirror(joints)) if arguments.mirror else joints
    _write(arguments.output, np.concatenate([joints, np.ones_like(joints[..., :1])], axis=-1), arguments.fps, (1, 1))
    return 0


def _quality(arguments: argparse.Namespace) -> int:
    from signdiff_core import formats
    from signdiff_core.skeleton import joints_of
    from signdiff_slp.prepare.quality import jitter
    from signdiff_slp.prepare.shards import left_share

    joints, confidence = joints_of(formats.normalised(formats.read(arguments.clip)))
    observed = float((confidence > 0).mean())
    print(json.dumps({"observed": observed, "jitter": jitter(joints), "left_share": left_share(joints)}))
    return 0


def _points(path: Path) -> tuple[NDArray[np.float32], Pose]:
    """A pose in pixels as (T, 50, 4) of x, y, a detector's depth or NaN, and confidence."""
    from signdiff_core import formats
    from signdiff_core.landmarks import in_space
    from signdiff_core.skeleton import NUM_JOINTS

    pose = formats.read(path)
    return in_space(pose)[:, :NUM_JOINTS], pose


def _size(pose: Pose) -> tuple[int, int]:
    return pose.header.dimensions.width, pose.header.dimensions.height


def _write(path: Path, points: NDArray[np.floating], fps: float, size: tuple[int, int] | None) -> None:
    """Write (T, 50, 4) of x, y, z, 0 for NaN, and confidence."""
    import numpy as np

    from signdiff_core import formats
    from signdiff_core.skeleton import make_pose

    joints = np.nan_to_num(points[..., :3])
    pose = make_pose(joints, fps, confidence=points[..., -1])
    width, height = size or (max(2, int(joints[..., axis].max()) + 1) for axis in (0, 1))
    pose.header.dimensions = type(pose.header.dimensions)(width, height, 0)
    formats.write(pose, path)
    print(f"{path}: {len(points)} frames, {len(points) / fps:.2f} s")
