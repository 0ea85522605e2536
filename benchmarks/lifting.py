"""How fast lifting is: against the published method as a plain program, one clip and one bone at a time.

    python benchmarks/lifting.py GOLDEN [--copies 4] [--rounds 2] [--peer_steps 1000] [--json]

GOLDEN holds .npz files as the published program (Zelinka & Kanis, WACV 2020) left them: ``input2d`` (T, 150) of x, y
and weight in pixels, and ``losses``, its loss after each of 1,000 steps. The plain program is written here: for each
clip the published start, loss and gradient descent (rate 0.1) in torch, whose graph a Python loop builds limb by limb.
It takes each clip once; its steps are timed and, if --peer_steps are fewer, scaled up to 1,000, while its loss is that
after as many steps. Ours takes --copies of every clip, alone (`lift`) and together (`lift_all`), with its own number of
steps and with 1,000.

A process has one thread, and its seconds are the processor's, which other processes disturb less. The rows of two
processes put half of the clips into each of them and have seconds of the wall clock, so they need two idle cores.
Losses are divided by the published program's last on the same clip: their mean and the largest. Clips an hour, and
hours for How2Sign's 31,047, are scaled by frames, for clips of 170.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from signdiff_slp.prepare import lift, lift_all
from signdiff_slp.prepare.lifting.measuring import LIMBS, Scaling, interpolate, log_bone_lengths

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

PUBLISHED_STEPS, PUBLISHED_RATE = 1000, 0.1
OUR_STEPS = inspect.signature(lift).parameters["steps"].default
HOW2SIGN_CLIPS, HOW2SIGN_FRAMES = 31_047, 170


@dataclass(frozen=True, kw_only=True)
class Row:
    """One way to lift the clips.

    Attributes:
        name: of the way.
        steps: of its search.
        seconds: for a clip of average length.
        ratio: of the plain program's seconds to these.
        loss: mean over the clips of the loss, divided by the published program's last.
        worst: the largest of those.
        clips_per_hour: of 170 frames.
    """

    name: str
    steps: int
    seconds: float
    ratio: float
    loss: float
    worst: float
    clips_per_hour: float


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A clip, what it is lifted to meet, and how near the published program came."""

    keypoints: NDArray[np.float32]
    scaling: Scaling
    targets: NDArray[np.float64]
    published: float

    @classmethod
    def read(cls, path: Path) -> Clip:
        """Read one of the published program's files."""
        golden = np.load(path)
        keypoints = golden["input2d"].reshape(-1, 50, 3)
        scaling = Scaling.of(keypoints[..., :2])
        targets = interpolate(scaling.apply(keypoints[..., :2]), keypoints[..., 2])
        return cls(keypoints=keypoints, scaling=scaling, targets=targets, published=float(golden["losses"][-1]))

    def loss(self, joints: NDArray[np.float64]) -> float:
        """Compute the published loss of scaled joints (T, 50, 2 or 3), divided by the published program's last."""
        missed = ((joints[..., :2] - self.targets) ** 2).sum(axis=-1)
        return float((self.keypoints[..., 2] * missed).mean()) / self.published


def plain_lift(clip: Clip, steps: int) -> NDArray[np.float32]:
    """Lift a clip as published, a limb at a time; returns scaled joints (T, 50, 3)."""
    targets = torch.tensor(clip.targets, dtype=torch.float32)
    weights = torch.tensor(clip.keypoints[..., 2])
    log_lengths = torch.tensor(log_bone_lengths(clip.targets), dtype=torch.float32)
    # The nose carries the neck; from there on, limbs are the same.
    limbs = [(0, 1, 0), *((limb.near, limb.far, limb.bone) for limb in LIMBS[1:])]
    root = torch.cat([targets[:, 0], torch.zeros(len(targets), 1)], dim=1)
    turns, start = [], {0: root}
    for near, far, bone in limbs:
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
        for (near, far, bone), turn in zip(limbs, turns, strict=True):
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


def lift_here(clips: list[NDArray[np.float32]], steps: int) -> int:
    """Lift clips in a process of a pool."""
    torch.set_num_threads(1)
    return len(lift_all(clips, steps=steps))


def in_two_processes(clips: list[NDArray[np.float32]], steps: int, rounds: int) -> float:
    """Give the seconds of the wall clock for half of the clips in each of two processes, which run already."""
    halves = [clips[::2], clips[1::2]]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(lift_here, [half[:1] for half in halves], [1, 1]))
        seconds = []
        for _ in range(rounds):
            start = time.perf_counter()
            list(pool.map(lift_here, halves, [steps, steps]))
            seconds.append(time.perf_counter() - start)
    return min(seconds)


def measure(clips: list[Clip], *, copies: int, rounds: int, peer_steps: int) -> list[Row]:
    """Time every way and compare how near they come."""
    many = [clip.keypoints for clip in clips] * copies
    lift_all(many, steps=1)  # warms up
    ways: list[tuple[str, int, Callable[[], list[NDArray[np.float64]]]]] = [
        ("lift, clip by clip", OUR_STEPS, lambda: [lift(each) for each in many]),
        ("lift_all", OUR_STEPS, lambda: lift_all(many)),
        ("lift_all", PUBLISHED_STEPS, lambda: lift_all(many, steps=PUBLISHED_STEPS)),
    ]
    start = time.process_time()
    losses = [clip.loss(plain_lift(clip, peer_steps)) for clip in clips]
    plain = (time.process_time() - start) / len(clips) * PUBLISHED_STEPS / peer_steps
    name = "plain loop" if peer_steps == PUBLISHED_STEPS else f"plain loop, scaled from {peer_steps} steps"
    found = [(name, PUBLISHED_STEPS, plain, losses)]
    for name, steps, way in ways:
        seconds = []
        for _ in range(rounds):
            start = time.process_time()
            lifted = way()
            seconds.append((time.process_time() - start) / len(many))
        # Copies come after the clips themselves.
        scaled = [clip.scaling.apply(joints[..., :2]) for joints, clip in zip(lifted, clips, strict=False)]
        losses = [clip.loss(joints) for joints, clip in zip(scaled, clips, strict=True)]
        found.append((name, steps, min(seconds), losses))
    for _, steps, _, losses in found[-2:]:
        found.append(("lift_all, two processes", steps, in_two_processes(many, steps, rounds) / len(many), losses))
    frames = sum(len(clip.targets) for clip in clips) / len(clips)
    return [
        Row(
            name=name,
            steps=steps,
            seconds=seconds,
            ratio=plain / seconds,
            loss=float(np.mean(losses)),
            worst=max(losses),
            clips_per_hour=3600 / seconds * frames / HOW2SIGN_FRAMES,
        )
        for name, steps, seconds, losses in found
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("golden", type=Path)
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--peer_steps", type=int, default=PUBLISHED_STEPS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    paths = sorted(options.golden.glob("*.npz"))
    if not paths:
        sys.exit(f"{options.golden} holds no .npz files.")
    torch.set_num_threads(1)
    clips = [Clip.read(path) for path in paths]
    rows = measure(clips, copies=options.copies, rounds=options.rounds, peer_steps=options.peer_steps)
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    frames = ", ".join(str(len(clip.targets)) for clip in clips)
    print(f"{len(clips)} clips of {frames} frames, {options.copies} copies; one thread a process")
    width = max(len(row.name) for row in rows) + 2
    print(f"{'way':{width}}{'steps':>6}{'s/clip':>9}{'ratio':>9}{'loss':>7}{'worst':>7}{'clips/h':>10}{'How2Sign':>10}")
    for row in rows:
        hours = HOW2SIGN_CLIPS / row.clips_per_hour
        print(
            f"{row.name:{width}}{row.steps:6}{row.seconds:9.3f}{row.ratio:8.1f}x{row.loss:7.2f}{row.worst:7.2f}"
            f"{row.clips_per_hour:10.0f}{hours:8.1f} h"
        )
    print(f"clips/h: of {HOW2SIGN_FRAMES} frames; How2Sign: {HOW2SIGN_CLIPS:,} of them; loss: 1 is the published one")


if __name__ == "__main__":
    main()
