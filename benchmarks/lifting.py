"""How fast lifting is, and how near the picture: against the published method as a plain program, a bone at a time.

    python benchmarks/lifting.py GOLDEN [--rounds 2] [--peer_steps 1000] [--json]

GOLDEN holds .npz files as the published program (Zelinka & Kanis, WACV 2020) left them: ``input2d`` (T, 150) of x, y
and weight in pixels; ``normalized``, ``interpolated`` and ``log_bones``, from which its search starts; ``final3d`` and
``losses``, where it ends. The plain program is written here: for each clip the published start, loss and gradient
descent (rate 0.1) in torch, whose graph a Python loop builds limb by limb. It takes each clip once; its steps are timed
and, if --peer_steps are fewer, scaled up to 1,000, while its distance is that after as many steps.

Seconds are the processor's, on one thread (OMP_NUM_THREADS=1), which other processes disturb less. "off" is the mean
distance in the picture, by confidence, between joints and what the detector saw, in shoulder widths: of the body, of
the hands and of all. Clips an hour, and hours for How2Sign's 31,047, are scaled by frames, for clips of 170.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from signdiff_core import skeleton
from signdiff_core.lifting import lift

if TYPE_CHECKING:
    from numpy.typing import NDArray

PUBLISHED_STEPS, PUBLISHED_RATE = 1000, 0.1
HOW2SIGN_CLIPS, HOW2SIGN_FRAMES = 31_047, 170
PARTS = {"body": slice(0, 8), "hands": slice(8, 50), "all": slice(0, 50)}
ARMS = [(0, 1, 0), (1, 2, 1), (2, 3, 2), (3, 4, 3), (1, 5, 1), (5, 6, 2), (6, 7, 3)]
LIMBS = [
    *ARMS,
    *((wrist, hand, 4) for wrist, hand in ((7, 8), (4, 29))),
    *((hand + a, hand + b, 5 + bone) for hand in (8, 29) for bone, (a, b) in enumerate(skeleton.HAND_LIMBS)),
]
"""Near and far joint, and bone, from the nose outwards."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One way to lift the clips.

    Attributes:
        name: of the way.
        seconds: for a clip of average length.
        ratio: of the plain program's seconds to these.
        off: mean distance to the picture in shoulder widths, by part.
        clips_per_hour: of 170 frames.
    """

    name: str
    seconds: float
    ratio: float
    off: dict[str, float]
    clips_per_hour: float


class Clip:
    """A clip, and what the published program made of it."""

    def __init__(self, path: Path) -> None:
        golden = np.load(path)
        self.keypoints = golden["input2d"].reshape(-1, 50, 3).astype(np.float64)
        self.centre, self.unit = self.keypoints[..., :2].mean(axis=(0, 1)), self.keypoints[..., :2].std()
        self.targets, self.log_bones = golden["interpolated"][..., :2], golden["log_bones"]
        self.published = golden["final3d"]

    def scaled(self, joints: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring joints in pixels to the published unit: (T, 50, 2)."""
        return np.asarray((joints[..., :2] - self.centre) / self.unit)

    def off(self, joints: NDArray[np.floating]) -> dict[str, float]:
        """Measure scaled joints (T, 50, 2 or 3) by part."""
        seen, sure = self.scaled(self.keypoints), self.keypoints[..., 2]
        width = np.median(np.linalg.norm(seen[:, skeleton.LEFT_SHOULDER] - seen[:, skeleton.RIGHT_SHOULDER], axis=-1))
        apart = np.linalg.norm(joints[..., :2] - seen, axis=-1) / width
        return {name: float(np.average(apart[:, part], weights=sure[:, part])) for name, part in PARTS.items()}


def plain_lift(clip: Clip, steps: int) -> NDArray[np.float32]:
    """Lift a clip as published, a limb at a time; returns scaled joints (T, 50, 3)."""
    targets = torch.tensor(clip.targets, dtype=torch.float32)
    weights = torch.tensor(clip.keypoints[..., 2], dtype=torch.float32)
    log_lengths = torch.tensor(clip.log_bones, dtype=torch.float32)
    root = torch.cat([targets[:, 0], torch.zeros(len(targets), 1)], dim=1)
    turns, start = [], {0: root}
    for near, far, bone in LIMBS:
        length = log_lengths[bone].exp()
        across = targets[:, far] - start[near][:, :2]
        depth = (length**2 - (across**2).sum(dim=1)).clamp(min=0).sqrt()
        turns.append(torch.cat([across, depth.unsqueeze(1)], dim=1))
        start[far] = start[near] + length * turns[-1] / turns[-1].norm(dim=1, keepdim=True)
    parameters = [log_lengths, root, *turns]
    for parameter in parameters:
        parameter.requires_grad_()
    optimizer = torch.optim.SGD(parameters, lr=PUBLISHED_RATE)

    def place() -> dict[int, torch.Tensor]:
        joints = {0: root}
        for (near, far, bone), turn in zip(LIMBS, turns, strict=True):
            norm = torch.sqrt((turn**2).sum(dim=1, keepdim=True) + 1e-10)
            joints[far] = joints[near] + log_lengths[bone].exp() * turn / norm
        return joints

    for _ in range(steps):
        joints = place()
        loss = torch.zeros(())
        for joint, place_of in joints.items():
            missed = ((place_of[:, :2] - targets[:, joint]) ** 2).sum(dim=1)
            loss = loss + (weights[:, joint] * missed).sum()
        optimizer.zero_grad()
        (loss / weights.numel()).backward()
        optimizer.step()
    with torch.no_grad():
        joints = place()
        return torch.stack([joints[joint] for joint in range(50)], dim=1).numpy()


def timed(clips: list[Clip], way: Callable[[Clip], NDArray[np.floating]]) -> tuple[float, list[NDArray[np.floating]]]:
    """Give seconds a clip, and what a way makes of every clip."""
    start = time.process_time()
    found = [way(clip) for clip in clips]
    return (time.process_time() - start) / len(clips), found


def mean_off(clips: list[Clip], found: list[NDArray[np.floating]]) -> dict[str, float]:
    """Average over clips how far they are off."""
    each = [clip.off(joints) for clip, joints in zip(clips, found, strict=True)]
    return {part: float(np.mean([row[part] for row in each])) for part in PARTS}


def measure(clips: list[Clip], *, rounds: int, peer_steps: int) -> list[Row]:
    """Time both ways and compare how near they come."""
    lift(clips[0].keypoints[:5])  # warms up
    plain, plain_found = timed(clips, lambda clip: plain_lift(clip, peer_steps))
    plain *= PUBLISHED_STEPS / peer_steps
    name = "plain loop" if peer_steps == PUBLISHED_STEPS else f"plain loop, from {peer_steps} steps"
    runs = [timed(clips, lambda clip: clip.scaled(lift(clip.keypoints))) for _ in range(rounds)]
    seconds, found = min(runs, key=lambda run: run[0])
    frames = sum(len(clip.targets) for clip in clips) / len(clips)
    return [
        Row(
            name=name,
            seconds=took,
            ratio=plain / took,
            off=mean_off(clips, joints),
            clips_per_hour=3600 / took * frames / HOW2SIGN_FRAMES,
        )
        for name, took, joints in ((name, plain, plain_found), ("lift", seconds, found))
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("golden", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--peer_steps", type=int, default=PUBLISHED_STEPS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    paths = sorted(options.golden.glob("*.npz"))
    if not paths:
        sys.exit(f"{options.golden} holds no .npz files.")
    torch.set_num_threads(1)
    clips = [Clip(path) for path in paths]
    rows = measure(clips, rounds=options.rounds, peer_steps=options.peer_steps)
    published = mean_off(clips, [clip.published for clip in clips])
    if options.json:
        print(json.dumps({"rows": [asdict(row) for row in rows], "published": published}, indent=2))
        return
    print(f"{len(clips)} clips of {', '.join(str(len(clip.targets)) for clip in clips)} frames; one thread")
    width = max(len(row.name) for row in rows) + 2
    print(f"{'way':{width}}{'s/clip':>8}{'ratio':>8}{'body':>9}{'hands':>9}{'all':>9}{'clips/h':>9}{'How2Sign':>10}")
    for row in rows:
        off = "".join(f"{value:9.4f}" for value in row.off.values())
        hours = HOW2SIGN_CLIPS / row.clips_per_hour
        print(f"{row.name:{width}}{row.seconds:8.3f}{row.ratio:7.1f}x{off}{row.clips_per_hour:9.0f}{hours:8.1f} h")
    print(f"{'as published':{width + 16}}" + "".join(f"{value:9.4f}" for value in published.values()))
    print("body, hands, all: off the picture in shoulder widths; clips/h: of 170 frames; How2Sign: 31,047 of them")


if __name__ == "__main__":
    main()
