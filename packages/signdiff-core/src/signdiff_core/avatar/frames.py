"""Write training frames: parametric signers of every look perform the poses of a folder.

Run ``python -m signdiff_core.avatar.frames --poses POSES -o OUT --frames 6000 --size 256 --seed 0``. OUT then holds

- ``frames/000000.png``: RGB frames,
- ``neutral/000000.png``: grey frames of the neutral signer in the same pose, from which FR maps are drawn,
- ``joints.safetensors``: ``joints`` (N, 50, 3) float32, the drawn body's own joints, normalised; with ``--skeleton
  body_hands_face`` its eyes, ears and face, too (N, 124, 3), and it does with its face what the poses' faces do,
- ``metadata.jsonl``: a row per frame with ``file_name``, ``text`` (the caption), ``joints`` (the row above),
  ``neutral_file_name``, ``pose_id`` (the pose file's name), ``frame`` (the frame in it) and the signer's attributes.

The same arguments give the same files, and resume a run that was stopped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core import engines
from signdiff_core.atomic import flush_to_disk, replacing
from signdiff_core.camera import Camera
from signdiff_core.interruption import exit_status, unwind_on_sigterm, word_for
from signdiff_core.plugins import pip_line
from signdiff_core.provenance import mark_generated, read_mark
from signdiff_core.wording import different_clips, different_settings

if TYPE_CHECKING:
    from pose_format import Pose

    from signdiff_core.avatar.body import AvatarBody, Motion

_Points = tuple[NDArray[Any], NDArray[Any]]
"""Points (T, J, 3) and their confidences (T, J)."""

_SHARES: Final = ("free_arms", "free_faces", "signing_arms", "moved")

_MOVED: Final = ((-0.14, 0.14), (-0.30, 0.08))
"""How far a signer is moved aside and down, as shares of the frame: in wider views people stand higher."""

CLIP: Final = 8
"""Frames that one signer performs of one pose file."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to write: frames of pose files, with a seed that draws signers and frames.

    `size` is a frame's side in pixels, `frames` their number in all, `free_arms` and `free_faces` the shares of the
    clips whose arms, or head and face, move freely, `signing_arms` that of those whose arms are as signs have them; see
    the modules of these names. In the share `moved`, signers stand elsewhere in the frame. `skeleton` is "openpose50"
    or "body_hands_face".
    """

    poses: tuple[Path, ...]
    output: Path
    frames: int
    size: int
    seed: int
    free_arms: float = 0.0
    free_faces: float = 0.0
    signing_arms: float = 0.0
    moved: float = 0.0
    skeleton: str = "openpose50"


def is_held_out(pose_id: str, share: float) -> bool:
    """Tell whether a pose belongs to the held-out part: by a hash of its name, so that it never changes sides."""
    return int.from_bytes(hashlib.sha256(pose_id.encode()).digest()[:4]) < share * 2**32


@dataclass(frozen=True)
class ClipWork(engines.Work[int]):
    """Writes the clips of a plan, which are shards of one number each."""

    plan: Plan

    def process(self, shard: engines.Shard[int], lethal: Collection[str] = ()) -> None:
        """Write a clip, unless it is there."""
        if lethal:
            raise OSError(f"clip {shard.number} must be drawn, but each process that tried to died of it.")
        if not self.is_stored(shard):
            write_clip(self.plan, shard.number)

    def attempt(self, shard: engines.Shard[int], name: str) -> None:
        """Write it: a clip that is there is done."""
        self.process(shard)

    def is_stored(self, shard: engines.Shard[int]) -> bool:
        """Tell whether it is there."""
        return _rows_of(self.plan, shard.number).exists()


def divide(plan: Plan) -> list[engines.Shard[int]]:
    """Give the clips of a plan."""
    clips = {f"{number:06d}": number for number in range(-(-plan.frames // CLIP))}
    return engines.plan(clips, _facts(plan), lambda number: number, size=1)


def write_clip(plan: Plan, clip: int) -> None:
    """Write one clip: some frames of one pose file, performed by one signer.

    The clip's number alone decides, with the plan's seed, what it shows.
    """
    from PIL import Image
    from pose_format import Pose
    from safetensors.numpy import save  # not save_file, whose files only their owner may read

    from signdiff_core.avatar.face import face_points
    from signdiff_core.avatar.raycast import render_frames
    from signdiff_core.avatar.signer import Signer
    from signdiff_core.skeleton import BODY_HANDS_FACE

    done = _rows_of(plan, clip)
    rng = np.random.default_rng([plan.seed, clip])
    order = np.random.default_rng([plan.seed, 2**32 + clip // len(plan.poses)]).permutation(len(plan.poses))
    path = plan.poses[order[clip % len(plan.poses)]]
    pose = Pose.read(path.read_bytes())
    frames = len(pose.body.data)
    count = min(CLIP, plan.frames - clip * CLIP)
    chosen = (np.arange(count) + rng.random()) * frames / count
    chosen = np.minimum(chosen.astype(int), frames - 1)

    signer, neutral = Signer.sample(rng), Signer.neutral()
    motion, plain = _motions(plan, clip, pose, chosen, signer.avatar(), neutral.avatar())
    camera, aside = _view(plan, clip)
    kept = motion.joints + aside
    if plan.skeleton == BODY_HANDS_FACE.name:
        kept = np.concatenate([kept, face_points(motion) + aside], axis=1)

    rows = []
    drawn = (
        render_frames(who, what, size=plan.size, camera=camera) for who, what in ((signer, motion), (neutral, plain))
    )
    pictures = zip(*drawn, strict=True)
    for number, (frame, grey) in enumerate(pictures):
        index = clip * CLIP + number
        name, neutral_name = f"frames/{index:06d}.png", f"neutral/{index:06d}.png"
        Image.fromarray(frame).save(plan.output / name, compress_level=2)
        Image.fromarray(grey).convert("L").save(plan.output / neutral_name, compress_level=2)
        rows.append(
            {
                "file_name": name,
                "text": signer.prompt,
                "joints": index,
                "neutral_file_name": neutral_name,
                "pose_id": path.stem,
                "frame": int(chosen[number]),
                **asdict(signer),
            }
        )
    with replacing(done.with_suffix(".safetensors")) as temporary:
        temporary.write_bytes(save({"joints": np.ascontiguousarray(kept)}))
    for row in rows:
        flush_to_disk(plan.output / row["file_name"])
        flush_to_disk(plan.output / row["neutral_file_name"])
    with replacing(done) as temporary:
        temporary.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _view(plan: Plan, clip: int) -> tuple[Camera, NDArray[np.float32]]:
    """Choose the camera of a clip, and how far joints are moved to be where it shows them in the default view."""
    rng, default = np.random.default_rng([plan.seed, 2**35, clip]), Camera()
    if rng.random() >= plan.moved:
        return default, np.zeros(3, dtype=np.float32)
    x, y = (rng.uniform(*bounds) for bounds in _MOVED)
    camera = Camera(neck=(default.neck[0] + x, default.neck[1] + y))
    return camera, np.array([x / default.scale, y / default.scale, 0], dtype=np.float32)


def _motions(
    plan: Plan, clip: int, pose: Pose, chosen: NDArray[np.intp], body: AvatarBody, neutral: AvatarBody
) -> tuple[Motion, Motion]:
    """Let a body, and the neutral one as it does, perform the chosen frames of a pose."""
    from signdiff_core.avatar.face import face_points
    from signdiff_core.avatar.free_arms import free_arms, signing_arms
    from signdiff_core.avatar.free_faces import free_faces
    from signdiff_core.skeleton import BODY_HANDS_FACE, face_of, joints_of

    def present(points: NDArray[Any]) -> _Points:
        return points, np.ones((len(points), len(points[0])), dtype=np.float32)

    told: _Points = joints_of(pose)
    face: _Points | None = face_of(pose) if plan.skeleton == BODY_HANDS_FACE.name else None
    shapes: NDArray[np.float32] | None = None
    own = np.random.default_rng([plan.seed, 2**34, clip])
    if own.random() < plan.free_faces:
        joints, points, shapes = free_faces(told[0], own)
        told, face = (joints, told[1]), present(points)
    freely = np.random.default_rng([plan.seed, 2**33, clip])
    share = freely.random()
    if alone := bool(share < plan.free_arms + plan.signing_arms):
        told = (free_arms if share < plan.free_arms else signing_arms)(told[0][chosen], freely)
        face = None if face is None else (face[0][chosen], face[1][chosen])
        shapes = None if shapes is None else shapes[chosen]
    motion = _performed(body, told, face, shapes, alone=alone)
    face = None if face is None else present(face_points(motion))
    plain = _performed(neutral, (motion.joints, None), face, motion.shapes, alone=alone, seen=False)
    return (motion, plain) if alone else (motion[chosen], plain[chosen])


def _performed(
    body: AvatarBody,
    told: tuple[NDArray[Any], NDArray[Any] | None],
    face: _Points | None,
    shapes: NDArray[np.float32] | None,
    *,
    alone: bool,
    seen: bool = True,
) -> Motion:
    """Let a body perform joints with their confidences, and a face, whose shapes may be known; see `fit`.

    Frames that are `alone` do not follow each other: they do not tell what a face is at rest, which it is then.
    """
    from signdiff_core.avatar.body import Motion
    from signdiff_core.avatar.inverse_kinematics import fit

    joints, known = told
    parts = []
    for one in [slice(n, n + 1) for n in range(len(joints))] if alone else [slice(None)]:
        own = None if face is None else (face[0][one], face[1][one])
        parts.append(fit(body, joints[one], None if known is None else known[one], face=own, seen=seen))
    if shapes is None and not alone:
        shapes = parts[0].shapes
    return Motion(body=body, turns=np.concatenate([part.turns for part in parts]), shapes=shapes)


def assemble(plan: Plan) -> None:
    """Write the set's own files, once all clips are there."""
    from safetensors.numpy import load_file, save

    parts = [_rows_of(plan, clip) for clip in range(-(-plan.frames // CLIP))]
    joints = np.concatenate([load_file(part.with_suffix(".safetensors"))["joints"] for part in parts])
    with replacing(plan.output / "joints.safetensors") as temporary:
        temporary.write_bytes(save({"joints": joints}))
    with replacing(plan.output / "metadata.jsonl") as temporary:
        temporary.write_text("".join(part.read_text() for part in parts))


def _rows_of(plan: Plan, clip: int) -> Path:
    """Name the file that shows that a clip is done: its rows."""
    return plan.output / "clips" / f"{clip:06d}.json"


def _facts(plan: Plan) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "frames": plan.frames,
        "size": plan.size,
        "seed": plan.seed,
        "poses": [path.stem for path in plan.poses],
    }
    asked = {name: getattr(plan, name) for name in _SHARES if getattr(plan, name)}
    return facts | asked | ({"skeleton": plan.skeleton} if plan.skeleton != "openpose50" else {})


def _begin(plan: Plan) -> None:
    """Make the folders and note the arguments there: frames of other arguments must not be mixed with these."""
    note, ours = plan.output / "plan.json", _facts(plan)
    if note.exists():
        try:
            was, now = json.loads(note.read_text()), dict(ours)
            before, after = (dict.fromkeys(known.pop("poses"), "") for known in (was, now))
            differ = different_settings(was, now) + different_clips(before, after, "content")
        except (ValueError, LookupError, TypeError, AttributeError):
            raise ValueError(f"{note} must be as it was written, but is damaged; take another folder.") from None
        if differ:
            what = "; ".join(differ)
            raise ValueError(
                f"{plan.output} holds frames of other arguments ({what}); take another folder or delete it."
            )
    for folder in ("frames", "neutral", "clips"):
        (plan.output / folder).mkdir(parents=True, exist_ok=True)
    if makers := {str(mark["generator"]): "" for path in plan.poses if (mark := read_mark(path))}:
        mark_generated(plan.output, ", ".join(makers))
        print(f"warning: poses are marked as made by {', '.join(makers)}, and so is {plan.output}.", file=sys.stderr)
    with replacing(note) as temporary:
        temporary.write_text(json.dumps(ours))


def _run(plan: Plan, shards: Sequence[engines.Shard[int]], *, workers: int) -> None:
    from rich.progress import Progress

    work = ClipWork(plan)
    with Progress(disable=not sys.stderr.isatty()) as progress:
        left = sum(work.count_left(shard) for shard in shards)
        task = progress.add_task("clips", total=len(shards), completed=len(shards) - left)
        for _ in engines.run(shards, work, engine="local", workers=workers, extra=""):
            progress.advance(task)


def main(argv: list[str] | None = None) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="python -m signdiff_core.avatar.frames", description="Write frames of parametric signers for training."
    )
    parser.add_argument("--poses", type=Path, required=True, help="a folder of .pose files, normalised")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the folder to write")
    parser.add_argument("--frames", type=int, default=6000, help="how many frames (default: 6000)")
    parser.add_argument("--size", type=int, default=256, help="side of a frame in pixels (default: 256)")
    parser.add_argument("--seed", type=int, default=0, help="draws signers and frames (default: 0)")
    parser.add_argument("--split", choices=("all", "train", "test"), default="all", help="which poses (default: all)")
    parser.add_argument("--held-out", type=float, default=0.1, help="share of poses in the split test (default: 0.1)")
    parser.add_argument(
        "--free-arms",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of clips in which both arms move freely, and only hand shapes come from the poses (default: 0)",
    )
    parser.add_argument(
        "--signing-arms",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of clips in which arms are as in signs, which touch each other and the face (default: 0)",
    )
    parser.add_argument(
        "--free-faces",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of clips in which head and face move freely; still faces teach still faces (default: 0)",
    )
    parser.add_argument(
        "--moved",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of clips in which signers stand elsewhere in the frame, as in wider views (default: 0)",
    )
    parser.add_argument(
        "--skeleton",
        choices=("openpose50", "body_hands_face"),
        default="openpose50",
        help="joints of the set: the 50, or with eyes, ears and face (default: openpose50)",
    )
    parser.add_argument("--workers", type=int, default=1, help="processes (default: 1)")
    arguments = parser.parse_args(argv)
    if find_spec("warp") is None:
        parser.exit(1, f"{parser.prog}: error: drawing signers needs warp: {pip_line('signdiff-core[avatar]')}\n")
    unwind_on_sigterm()
    for name in ("held_out", *_SHARES):
        if not 0 <= (share := getattr(arguments, name)) <= 1:
            parser.error(f"--{name.replace('_', '-')} must lie in [0, 1], but is {share}")
    poses = tuple(
        path
        for path in sorted(arguments.poses.glob("[!.]*.pose"))
        if arguments.split == "all" or is_held_out(path.stem, arguments.held_out) == (arguments.split == "test")
    )
    if (both := arguments.free_arms + arguments.signing_arms) > 1:
        parser.error(f"--free-arms and --signing-arms must be at most 1 together, but are {both:g}")
    if not poses:
        parser.error(
            f"--poses must be a folder with .pose files of the split {arguments.split!r}, but is {arguments.poses}"
        )
    if arguments.frames < 1 or arguments.size < 16:
        parser.error("--frames must be at least 1 and --size at least 16")
    plan = Plan(
        poses=poses,
        output=arguments.output,
        frames=arguments.frames,
        size=arguments.size,
        seed=arguments.seed,
        free_arms=arguments.free_arms,
        free_faces=arguments.free_faces,
        signing_arms=arguments.signing_arms,
        moved=arguments.moved,
        skeleton=arguments.skeleton,
    )
    try:
        _begin(plan)
        shards = divide(plan)
        with engines.noting_what_is_kept(shards, ClipWork(plan), plan.output, lambda: None):
            _run(plan, shards, workers=arguments.workers)
            assemble(plan)
    except ValueError as error:
        parser.error(str(error))
    except KeyboardInterrupt as stop:
        notes = "; ".join([word_for(stop), *getattr(stop, "__notes__", ["no clip is finished"])])
        print(f"signdiff_core.avatar.frames: {notes}.", file=sys.stderr)
        return exit_status(stop)
    print(json.dumps({"frames": plan.frames, "poses": len(poses), "output": str(plan.output)}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
