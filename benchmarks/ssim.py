"""How fast SSIM of a video is, against scikit-image in a loop over its frames.

    python benchmarks/ssim.py [reference.mp4 hypothesis.mp4] [--frames 8] [--size 720x1280] [--rounds 5] [--json]

Without files the frames are smooth noise and the same with more noise. Both ways get decoded frames, take turns in one
process, and the fastest round of each counts. scikit-image is called with the settings that make it the definition of
Wang et al. (2004): Gaussian weights of sigma 1.5, population covariance. The ratio is its time over ours; the last
column is how far the two scores are apart.
"""

from __future__ import annotations

import argparse
import json
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from signdiff_eval.metrics import SSIM
from signdiff_eval.readers import open_video

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


PEER = "scikit-image, loop"
OURS = "signdiff-eval"


class Timing(NamedTuple):
    """Seconds by way, our score, and how far the two scores are apart."""

    seconds: dict[str, float]
    score: float
    apart: float


def noise(frames: int, height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Make two videos (T, H, W, 3): structure of several scales, and the same with noise on it."""
    rng = np.random.default_rng(0)
    reference = np.full((frames, height, width, 3), 128.0)
    for cell in (40, 8, 1):
        coarse = rng.normal(0, 25, (frames, -(-height // cell), -(-width // cell), 3))
        reference += coarse.repeat(cell, axis=1).repeat(cell, axis=2)[:, :height, :width]
    hypothesis = reference + rng.normal(0, 15, reference.shape)
    return tuple(np.clip(video, 0, 255).astype(np.uint8) for video in (reference, hypothesis))


def load(path: Path, frames: int) -> NDArray[np.uint8]:
    """Read the first frames of a video."""
    with open_video(path) as (_, stream):
        return np.stack(list(islice(stream, frames)))


def by_scikit_image(reference: NDArray[np.uint8], hypothesis: NDArray[np.uint8]) -> float:
    """Average scikit-image's score over frames."""
    from skimage.metrics import structural_similarity

    scores = [
        structural_similarity(
            left,
            right,
            channel_axis=-1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
        )
        for left, right in zip(reference, hypothesis, strict=True)
    ]
    return float(np.mean(scores))


def by_metric(reference: NDArray[np.uint8], hypothesis: NDArray[np.uint8]) -> float:
    """Stream both through the metric."""
    metric = SSIM()
    metric.update(iter(hypothesis), iter(reference))
    return metric.compute()


def measure(videos: tuple[NDArray[np.uint8], NDArray[np.uint8]], *, rounds: int) -> Timing:
    """Time both ways, in turn."""
    ways: dict[str, Callable[..., float]] = {PEER: by_scikit_image, OURS: by_metric}
    by_metric(*(video[:1] for video in videos))  # compiles
    seconds, scores = dict.fromkeys(ways, np.inf), {}
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            scores[name] = way(*videos)
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    return Timing(seconds, scores[OURS], abs(scores[OURS] - scores[PEER]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="*")
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--size", default="720x1280")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if len(options.files) not in (0, 2):
        parser.error("give a reference and a hypothesis, or nothing.")
    if options.files:
        videos = tuple(load(path, options.frames) for path in options.files)
    else:
        videos = noise(options.frames, *(int(side) for side in options.size.split("x")))
    timing = measure(videos, rounds=options.rounds)
    rows = [
        {
            "name": name,
            "seconds": taken,
            "frames_per_second": len(videos[0]) / taken,
            "ratio": taken / timing.seconds[OURS],
        }
        for name, taken in timing.seconds.items()
    ]
    if options.json:
        print(json.dumps({"rows": rows, "score": timing.score, "difference": timing.apart}, indent=2))
        return
    print(f"{len(videos[0])} frames {videos[0].shape[2]}x{videos[0].shape[1]}")
    print(f"{'way':22}{'seconds':>10}{'frames/s':>10}{'ratio':>9}")
    for row in rows:
        print(f"{row['name']:22}{row['seconds']:10.3f}{row['frames_per_second']:10.1f}{row['ratio']:8.1f}x")
    print(f"score {timing.score:.6f}, apart by {timing.apart:.0e}")


if __name__ == "__main__":
    main()
