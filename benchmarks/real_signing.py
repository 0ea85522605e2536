"""How much of real signing is left in a signer's video, told by a reader that sees nothing but pixels.

    python benchmarks/real_signing.py CLIPS -o RUN [--dgs DIR] [--openpose DIR] [--which steering|last|all]
        [--poses landmarks|estimate] [--prepare] [--renderer NAME ...] [--most N] [--only render|read] [--json]

CLIPS is a folder with ``mp4/`` and ``mediapipe/`` of How2Sign clips, as for benchmarks/frnet_real.py. Each clip's pose,
its landmarks or what ``signdiff estimate`` finds in its video, is rendered by ``signdiff render`` and the video is read
by `pixel_reader.py`, each third picture on its own. The same reader has read the source. Where there is no video
(``--dgs``: sentences as ``.pose`` of Holistic; ``--openpose``: folders of JSON), the pose's own points in the picture
take the place of that reading: a detector's errors are then ours to draw, and not to correct.

Rows: the pose itself beside the reading of its video, two readings of one source, above which no renderer can be
expected; then each renderer. Columns:

- found: hands of the source that are found in what was made.
- shape: of all hands of the source, those whose shape is right: joints within 0.25 hand sizes on average.
- place: how far wrists are off, from the middle of the shoulders, in shoulder widths; median.
- hands touch, face touched: contacts of the source (hand to hand, hand to face, within 0.1 shoulder widths in the
  picture) that are there in what was made (within 0.15); and how many frames without (beyond 0.3) have one.
- face found: faces of the source that are found in what was made.
- head: the angle in degrees between both heads; median; and without the clip's mean turn, since faces differ.
- mouth: correlation of its opening over a clip, mean over clips.
- inside: frames in which all of the head and of the hands that were found is in the picture.

Figures have 95% intervals of a bootstrap over clips. Below, hands by kind: which, near the face, over the body, beside
it, fast. Choices are made on six clips (``steering``: the first, third, ... by name), a last look is taken at the six
others (``last``). RUN keeps poses, videos and readings, and the same command goes on where it stopped.

``--prepare`` lifts the poses by ``signdiff-slp``'s preparation first; it lifted in another way for the first figures.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from signing_scores import Figure, Reading, Scores, compare, figure, read_reading, reading_of_pose

if TYPE_CHECKING:
    from numpy.typing import NDArray

READER = Path(__file__).with_name("pixel_reader.py")
SIZES = {"avatar": 512, "diffusion": 256, "skeleton": 512}
CEILING = "two readings"
KINDS: dict[str, Callable[[dict[str, NDArray[np.float64]]], NDArray[np.bool_]]] = {
    "left hand": lambda hands: hands["is_left"] > 0,
    "right hand": lambda hands: hands["is_left"] == 0,
    "near the face": lambda hands: hands["near"] > 0,
    "over the body": lambda hands: hands["over"] > 0,
    "beside it": lambda hands: (hands["near"] == 0) & (hands["over"] == 0),
    "fast": lambda hands: hands["fast"] > 0,
    "slow": lambda hands: hands["fast"] == 0,
}


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A clip: its pose as a file or a folder, and the video in which that was found, if there is one."""

    name: str
    pose: Path
    video: Path | None = None


def how2sign(folder: Path, which: str, poses: str, run: Path) -> list[Clip]:
    """List How2Sign's clips; those that are estimated have their pose in RUN."""
    videos = sorted((folder / "mp4").glob("*.mp4"))
    chosen = {"steering": videos[::2], "last": videos[1::2], "all": videos}[which]
    found = {"landmarks": (folder / "mediapipe", ".npz"), "estimate": (run / "estimates", ".pose")}[poses]
    return [Clip(name=video.stem, pose=found[0] / f"{video.stem}{found[1]}", video=video) for video in chosen]


def signdiff(*words: object) -> None:
    """Run the command, and resume what it left."""
    subprocess.run([sys.executable, "-m", "signdiff_core.cli", *map(str, words), "--resume"], check=True)


def read_pixels(video: Path, output: Path, options: argparse.Namespace) -> None:
    """Read a video with the reader, which has an environment of its own."""
    if output.exists():
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    start = [options.reader] if options.reader else ["uv", "run", "--quiet", "--script"]
    most = ["--most", options.most] if options.most else []
    command = [*start, READER, video, output, "--step", options.step, *most]
    subprocess.run(list(map(str, command)), check=True, stderr=None if options.debug else subprocess.DEVNULL)


def prepared(clip: Clip, output: Path) -> Path:
    """Choose the signer, clean and lift a pose as ``signdiff-slp prepare`` does, at its own frame rate."""
    if not output.exists():
        from signdiff_core import formats, sources
        from signdiff_core.lifting import lift
        from signdiff_core.skeleton import make_pose
        from signdiff_core.sources.signer import choose_signer
        from signdiff_slp.prepare.clean import clean
        from signdiff_slp.prepare.shards import to_normal

        output.parent.mkdir(parents=True, exist_ok=True)
        seen = choose_signer(sources.read(sources.find_clips(clip.pose)[0], 24.0))
        joints = to_normal(lift(clean(seen.points, seen.depth, min_confidence=0.1).in_space), seen.fps, seen.fps)
        formats.write(make_pose(joints, seen.fps), output)
    return output


def source_of(clip: Clip, home: Path) -> Reading:
    """Give what a rendered clip is compared with."""
    return reading_of_pose(clip.pose) if clip.video is None else read_reading(home / f"{clip.name}.npz")


def first_reading(clip: Clip) -> Reading:
    """Give the pose that goes in as a reading of its video."""
    return read_reading(clip.pose) if clip.pose.suffix == ".npz" else reading_of_pose(clip.pose)


def make(clips: Sequence[Clip], options: argparse.Namespace) -> None:
    """Render and read what is not there."""
    run: Path = options.output
    for clip in clips:
        if clip.video is not None and options.only != "render":
            read_pixels(clip.video, run / "sources" / f"{clip.name}.npz", options)
        if clip.video is not None and not clip.pose.exists():
            clip.pose.parent.mkdir(parents=True, exist_ok=True)
            signdiff("estimate", clip.video, "-o", clip.pose)
        for renderer in options.renderer:
            home = place_of(options, renderer)
            video = home / f"{clip.name}.mp4"
            if options.only != "read" and not video.exists():
                home.mkdir(parents=True, exist_ok=True)
                pose = (
                    prepared(clip, run / "prepared" / options.poses / f"{clip.name}.pose")
                    if options.prepare
                    else clip.pose
                )
                if options.most:
                    pose = shortened(pose, run / "short" / f"{clip.name}.pose", options.most)
                size = options.size or SIZES.get(renderer, 512)
                signdiff("render", pose, "-o", video, "--renderer", renderer, "--size", size, *options.render.split())
            if options.only != "render" and video.exists():
                read_pixels(video, home / f"{clip.name}.npz", options)


def shortened(pose: Path, output: Path, frames: int) -> Path:
    """Keep the first frames of a ``.pose``."""
    from signdiff_core import formats

    output.parent.mkdir(parents=True, exist_ok=True)
    whole = formats.read(pose)
    body = whole.body
    whole.body = type(body)(body.fps, body.data[:frames], body.confidence[:frames])
    formats.write(whole, output)
    return output


def place_of(options: argparse.Namespace, renderer: str) -> Path:
    """Name the folder of a renderer's videos and readings: one for each way in which they are made."""
    words = [renderer, *([f"{options.size}"] if options.size else []), *(["prepared"] if options.prepare else [])]
    words += [word.strip("-") for word in options.render.split()]
    return options.output / options.poses / "-".join([*words, *([f"first{options.most}"] if options.most else [])])


def rows(clips: Sequence[Clip], options: argparse.Namespace) -> Iterator[tuple[str, list[Scores]]]:
    """Compare all that is there: two readings of the sources, then each renderer."""
    run: Path = options.output
    pairs = [
        (clip, read_reading(path))
        for clip in clips
        if clip.video and (path := run / "sources" / f"{clip.name}.npz").exists()
    ]
    if pairs:
        yield CEILING, [compare(clip.name, source, first_reading(clip)) for clip, source in pairs]
    for renderer in options.renderer:
        home = place_of(options, renderer)
        read = [clip for clip in clips if (home / f"{clip.name}.npz").exists()]
        if read:
            found = [(clip, read_reading(home / f"{clip.name}.npz")) for clip in read]
            yield renderer, [compare(clip.name, source_of(clip, run / "sources"), made) for clip, made in found]


def mean(values: NDArray[np.float64]) -> float:
    """Mean of samples."""
    return float(values.mean())


def median(values: NDArray[np.float64]) -> float:
    """Median of samples."""
    return float(np.median(values))


def table_of(scores: Sequence[Scores]) -> dict[str, Figure]:
    """Bring the samples of all clips to figures."""
    row = {
        "found": figure([each.hands["found"] for each in scores], mean),
        "shape": figure([each.hands["right"] for each in scores], mean),
        "place": figure([each.hands["place"] for each in scores], median),
    }
    for kind in ("face found", "hands touch", "hands touch, made up", "face touched", "face touched, made up"):
        row[kind] = figure([each.frames[kind] for each in scores], mean)
    for kind in ("head", "head moves"):
        row[kind] = figure([each.frames[kind] for each in scores], median)
    row["mouth"] = figure([np.array([each.mouth]) for each in scores], mean)
    row["inside"] = figure([each.frames["inside"] for each in scores], mean)
    return row


def kinds_of(scores: Sequence[Scores]) -> dict[str, dict[str, Figure]]:
    """Split the hands by kind."""
    found: dict[str, dict[str, Figure]] = {}
    for kind, chosen in KINDS.items():
        masks = [chosen(each.hands) for each in scores]
        columns = (("found", mean), ("right", mean), ("place", median))
        found[kind] = {
            {"right": "shape"}.get(name, name): figure(
                [each.hands[name][mask] for each, mask in zip(scores, masks, strict=True)], statistic
            )
            for name, statistic in columns
        }
    return found


def show(title: str, table: dict[str, dict[str, Figure]]) -> None:
    """Print a table, its columns as rows: they have long names."""
    names = list(next(iter(table.values())))
    print(f"\n{title}\n{'':24}" + "".join(f"{name:>26}" for name in table))
    for name in names:
        cells = "".join(f"{f'{row[name]} n={row[name].samples}':>26}" for row in table.values())
        print(f"{name:24}{cells}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("clips", type=Path, help="folder with mp4/ and mediapipe/ of How2Sign clips")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for poses, videos and readings")
    parser.add_argument("--dgs", type=Path, help="folder of .pose files of sentences, compared with themselves instead")
    parser.add_argument("--openpose", type=Path, help="folder of folders of OpenPose JSON, likewise")
    parser.add_argument("--which", choices=("steering", "last", "all"), default="steering", help="clips of How2Sign")
    parser.add_argument("--clip", nargs="+", metavar="NAME", help="only these clips, to work in pieces")
    parser.add_argument("--poses", choices=("landmarks", "estimate"), default="estimate", help="default: estimate")
    parser.add_argument("--prepare", action="store_true", help="lift poses as signdiff-slp prepare does")
    parser.add_argument("--renderer", nargs="+", default=["avatar", "diffusion"], help="default: avatar diffusion")
    parser.add_argument("--size", type=int, help="side of the frames (default: 512; the bundled pipeline's 256)")
    parser.add_argument("--render", default="", metavar="OPTIONS", help="more options of signdiff render, as one word")
    parser.add_argument("--step", type=int, default=3, help="read every so many pictures (default: 3)")
    parser.add_argument("--most", type=int, help="only the first frames of each clip, to try things out")
    parser.add_argument("--reader", help="an interpreter with MediaPipe (default: uv makes an environment)")
    parser.add_argument("--only", choices=("render", "read"), help="one of the two; the table is of what is there")
    parser.add_argument("--debug", action="store_true", help="show what the reader logs")
    parser.add_argument("--json", action="store_true", help="print JSON in place of tables")
    options = parser.parse_args(arguments)
    if options.dgs:
        options.poses = "dgs"
        signed = sorted(options.dgs.glob("*_original.pose"))  # and not those that were stitched of signs
        clips = [Clip(name=path.stem, pose=path) for path in signed or sorted(options.dgs.glob("*.pose"))]
    elif options.openpose:
        options.poses = "openpose"
        clips = [Clip(name=path.name, pose=path) for path in sorted(options.openpose.iterdir()) if path.is_dir()]
    else:
        clips = how2sign(options.clips, options.which, options.poses, options.output)
    if options.clip:
        clips = [clip for clip in clips if clip.name in options.clip]
    make(clips, options)
    scored = dict(rows(clips, options))
    if not scored:
        raise SystemExit("nothing was read yet")
    table = {name: table_of(scores) for name, scores in scored.items()}
    kinds = {name: kinds_of(scores) for name, scores in scored.items()}
    if options.json:
        plain = {name: {key: asdict(cell) for key, cell in row.items()} for name, row in table.items()}
        split = {
            n: {k: {c: asdict(v) for c, v in row.items()} for k, row in rows_.items()} for n, rows_ in kinds.items()
        }
        print(json.dumps({"clips": [clip.name for clip in clips], "rows": plain, "kinds": split}, indent=2))
        return 0
    show(f"{len(clips)} clips", table)
    for column in ("found", "shape", "place"):
        show(column, {name: {kind: row[column] for kind, row in kinds[name].items()} for name in table})
    return 0


if __name__ == "__main__":
    sys.exit(main())
