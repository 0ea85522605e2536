"""How fast FR-Net is: against scikit-image, against kornia's erosion, and against merely copying the frames.

    python benchmarks/frnet.py [clip.mp4 frame.png ...] [--frames 8] [--rounds 7] [--json]

All ways get the same frames, in turn, in one process on one core, and the fastest of several rounds counts. Without
files the frames are noise of many scales, 1280x720. scikit-image is given what it needs from outside its timing: grey
frames. Kornia's erosion is compared with the erosion alone. Ways whose library isn't installed are left out. The last
column is the share of pixels on which a way agrees with FR-Net: OpenCV rounds local means to whole grey levels, as
scikit-image does not, and the erosion spreads each pixel that this turns.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from signdiff_frnet import annotate_batch
from signdiff_frnet.ops import erode_binary, threshold_locally, to_grey
from signdiff_frnet.parameters import DEFAULTS
from signdiff_frnet.study import sample_frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Frames = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One way to draw maps, or a part of it."""

    name: str
    milliseconds: float
    relative: float
    against: str
    agrees: float | None


def noise(count: int) -> Frames:
    """Frames with structure of many scales, 1280x720."""
    rng = np.random.default_rng(0)
    layers = [rng.normal(0, 20, (count, 720 // cell, 1280 // cell, 3)) for cell in (80, 16, 4, 2)]
    full = [[cv2.resize(frame, (1280, 720)) for frame in layer] for layer in layers]
    return np.clip(np.sum(full, axis=0) + 128, 0, 255).astype(np.uint8)


def load(files: list[Path], count: int) -> Frames:
    """Frames of one size from files, evenly spaced."""
    per_video = max(1, -(-count // len(files)))
    frames = list(sample_frames(files, per_video=per_video))[:count]
    return np.stack([frame for frame in frames if frame.shape == frames[0].shape])


def by_scikit_image(greys: Frames) -> Frames:
    """The same two steps with scikit-image, by the functions of these names."""
    from skimage.filters import threshold_local
    from skimage.morphology import binary_erosion

    square = np.ones((DEFAULTS.kernel_size, DEFAULTS.kernel_size), bool)
    sigma = 0.3 * ((DEFAULTS.block_size - 1) * 0.5 - 1) + 0.8  # OpenCV's
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # renamed in coming versions
        maps = [
            binary_erosion(
                grey > threshold_local(grey, DEFAULTS.block_size, offset=DEFAULTS.offset, mode="nearest", param=sigma),
                square,
            )
            for grey in greys
        ]
    return np.stack(maps) * np.uint8(255)


def ways(frames: Frames) -> dict[str, tuple[str, Callable[[], Frames]]]:
    """What is timed: by name, what each is compared with."""
    greys = np.stack([to_grey(frame) for frame in frames])
    binaries = np.stack([threshold_locally(grey, DEFAULTS) for grey in greys])
    ours, erosion = "annotate_batch", "OpenCV erosion alone"
    found: dict[str, tuple[str, Callable[[], Frames]]] = {
        ours: (ours, lambda: annotate_batch(frames, threads=1)),
        "copying the frames": (ours, frames.copy),
        erosion: (erosion, lambda: np.stack([erode_binary(binary) for binary in binaries])),
    }
    if find_spec("skimage"):
        found["scikit-image"] = (ours, lambda: by_scikit_image(greys))
    if find_spec("torch"):
        import torch

        from signdiff_frnet.torch_ops import annotate_tensor

        torch.set_num_threads(1)
        tensor = torch.from_numpy(frames)
        found["annotate_tensor on the CPU"] = (ours, lambda: annotate_tensor(tensor).numpy())
    if find_spec("kornia"):
        import torch
        from kornia.morphology import erosion as erode

        square = torch.ones(DEFAULTS.kernel_size, DEFAULTS.kernel_size)
        white = torch.from_numpy(binaries)[:, None].float()
        found["kornia erosion alone"] = (erosion, lambda: erode(white, square)[:, 0].to(torch.uint8).numpy())
    return found


def measure(frames: Frames, *, rounds: int) -> list[Row]:
    """Time every way, in turn."""
    found = ways(frames)
    seconds: dict[str, list[float]] = {name: [] for name in found}
    results: dict[str, Frames] = {}
    for _ in range(rounds):
        for name, (_, call) in found.items():
            start = time.perf_counter()
            results[name] = call()
            seconds[name].append(time.perf_counter() - start)
    best = {name: min(times) for name, times in seconds.items()}
    return [
        Row(
            name=name,
            milliseconds=1000 * best[name] / len(frames),
            relative=best[name] / best[against],
            against=against,
            agrees=float((result == results[against]).mean()) if (result := results[name]).ndim == 3 else None,
        )
        for name, (against, _) in found.items()
    ]


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="images and videos of one size; noise if there are none")
    parser.add_argument("--frames", type=int, default=8, help="how many (%(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="of which the fastest counts (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    cv2.setNumThreads(1)
    frames = load(arguments.files, arguments.frames) if arguments.files else noise(arguments.frames)

    rows = measure(frames, rounds=arguments.rounds)
    if arguments.json:
        print(json.dumps({"shape": frames.shape, "rows": [asdict(row) for row in rows]}, indent=1))
        return 0
    print(f"{len(frames)} frames of {frames.shape[2]}x{frames.shape[1]}, one core\n")
    print("| | ms a frame | time | agrees |")
    print("|---|---|---|---|")
    for row in rows:
        relative = "" if row.name == row.against else f"{row.relative:.3g} x {row.against}"
        agrees = "" if row.agrees is None else f"{row.agrees:.5f}"
        print(f"| {row.name} | {row.milliseconds:.2f} | {relative} | {agrees} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
