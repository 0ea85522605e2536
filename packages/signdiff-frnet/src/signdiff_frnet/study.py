"""Which parameters give FR maps that survive a camera's noise and a codec? Prints a table that answers.

    python -m signdiff_frnet.study IMAGE_OR_VIDEO...

Each line of the table is one setting at one resolution, averaged over the frames. A setting is good if its strokes
stay where they are when the frame is disturbed (``noise same``, ``jpeg same``), and if they mark what there is to see
(``on edges``) rather than everything (``white``).
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import product
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from signdiff_frnet.commands import CommandParser, UsageError, run
from signdiff_frnet.contract import UInt8Image, resize_frame, to_hwc3
from signdiff_frnet.ops import frnet, to_grey
from signdiff_frnet.parameters import FRNetParameters, ThresholdMethod
from signdiff_frnet.pictures import is_video, read_image
from signdiff_frnet.videos import probe_video, read_video

OFFSETS = tuple(range(2, 13))
BLOCK_SIZES = (7, 11, 15, 21)
HOLDS = 0.85
"""A setting holds if this share of its strokes stays, under either disturbance and at every resolution."""


@dataclass(frozen=True, kw_only=True)
class Quality:
    """How one setting did; every field is a share between 0 and 1."""

    white: float
    """Pixels that are white in the map of the undisturbed frame."""

    noise_flips: float
    """Pixels that change their colour under sensor noise."""

    jpeg_flips: float
    """Pixels that change their colour when the frame goes through JPEG."""

    noise_same: float
    """Black pixels that both maps share under sensor noise, of those black in either (Jaccard index)."""

    jpeg_same: float
    """The same for JPEG."""

    on_edges: float
    """Pixels on the frame's strong edges that the map marks black; the edges are Canny's, from 100 to 200.

    A frame without edges counts as 1."""


Results = dict[int, list[Quality]]


def main(argv: list[str] | None = None) -> int:
    """Run the study; the exit status."""
    parser = CommandParser(prog="python -m signdiff_frnet.study", description="Compare FR-Net's parameters on frames.")
    parser.add_argument("inputs", nargs="+", type=Path, metavar="IMAGE_OR_VIDEO")
    parser.add_argument(
        "--frames", type=int, default=4, help="frames taken from each video, evenly spaced (%(default)s)"
    )
    parser.add_argument(
        "--resolution",
        type=int,
        nargs="+",
        default=[512, 256],
        help="detect_resolution; several may be given (512 256)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return run(parser, argv, _study)


def _study(arguments: argparse.Namespace) -> None:
    if arguments.frames < 1:
        raise UsageError(f"--frames must be at least 1, but is {arguments.frames}.")
    settings = [
        FRNetParameters(threshold_method=method, block_size=block_size, offset=offset)
        for method, block_size, offset in product(get_args(ThresholdMethod), BLOCK_SIZES, OFFSETS)
    ]
    frames = list(sample_frames(arguments.inputs, per_video=arguments.frames))
    results = {
        resolution: assess((resize_frame(frame, resolution, name="--resolution") for frame in frames), settings)
        for resolution in arguments.resolution
    }
    choice = choose(settings, results)
    if arguments.json:
        print(json.dumps(_as_records(settings, results, choice, len(frames)), indent=1))
    else:
        print(_as_table(settings, results, choice, len(frames)))


def sample_frames(paths: Sequence[Path], *, per_video: int) -> Iterator[UInt8Image]:
    """Take images whole, and from each video at most ``per_video`` evenly spaced frames: (H, W, 3) RGB uint8 each."""
    for path in paths:
        if is_video(path):
            wanted = set(np.linspace(0, max(0, probe_video(path).count - 1), per_video).round().astype(int).tolist())
            yield from (to_hwc3(frame) for index, frame in enumerate(read_video(path)) if index in wanted)
        else:
            yield to_hwc3(read_image(path))


def add_sensor_noise(grey: UInt8Image, *, sigma: float = 2.0, seed: int = 0) -> UInt8Image:
    """Disturb a frame (H, W) uint8 as a camera's sensor does: noise of a standard deviation in grey levels."""
    noise = np.random.default_rng(seed).normal(0.0, sigma, grey.shape)
    noisy: UInt8Image = np.rint(grey + noise).clip(0, 255).astype(np.uint8)
    return noisy


def compress(grey: UInt8Image, *, quality: int = 75) -> UInt8Image:
    """Send a frame (H, W) uint8 through JPEG of a quality from 0 to 100."""
    _, encoded = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)


def assess(frames: Iterable[UInt8Image], settings: Sequence[FRNetParameters]) -> list[Quality]:
    """Judge settings on frames, (H, W, 3) RGB uint8, of any size, one at a time: each setting's mean quality."""
    scores = []
    for frame in frames:
        grey = to_grey(frame)
        disturbed = add_sensor_noise(grey), compress(grey)
        edges = cv2.Canny(grey, 100, 200) > 0
        scores.append([_assess_one(grey, *disturbed, edges, setting) for setting in settings])
    if not scores:
        raise ValueError("frames must hold at least one frame, but is empty.")
    return [Quality(**dict(zip(_names(), map(float, row), strict=True))) for row in np.mean(scores, axis=0)]


def _assess_one(
    grey: UInt8Image, noisy: UInt8Image, jpeg: UInt8Image, edges: NDArray[np.bool_], setting: FRNetParameters
) -> tuple[float, ...]:
    black, black_noisy, black_jpeg = (frnet(image, **asdict(setting)) == 0 for image in (grey, noisy, jpeg))
    return (
        1 - black.mean(),
        (black != black_noisy).mean(),
        (black != black_jpeg).mean(),
        _jaccard(black, black_noisy),
        _jaccard(black, black_jpeg),
        black[edges].mean() if edges.any() else 1.0,
    )


def _jaccard(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else 1.0


def _names() -> list[str]:
    return [field.name for field in fields(Quality)]


def choose(settings: Sequence[FRNetParameters], results: Results) -> FRNetParameters | None:
    """Choose the setting that loses least of the frame among those that hold; None if none does.

    Of the settings whose strokes stay to at least 85% under noise and under JPEG, at every resolution, those with the
    smallest offset; of these, the one that marks most of the edges, at the resolution where it marks fewest.
    """
    best: tuple[float, float] | None = None
    choice = None
    for index, setting in enumerate(settings):
        qualities = [row[index] for row in results.values()]
        if min(min(quality.noise_same, quality.jpeg_same) for quality in qualities) < HOLDS:
            continue
        rank = (-setting.offset, min(quality.on_edges for quality in qualities))
        if best is None or rank > best:
            best, choice = rank, setting
    return choice


def _as_table(
    settings: Sequence[FRNetParameters], results: Results, choice: FRNetParameters | None, frames: int
) -> str:
    lines = [f"{frames} frames; noise of sigma 2, JPEG of quality 75; * marks the choice", ""]
    lines.append("resolution  method   block offset | white  noise flips  jpeg flips  noise same  jpeg same  on edges")
    for resolution, qualities in results.items():
        for setting, q in zip(settings, qualities, strict=True):
            lines.append(
                f"{resolution:>10}  {setting.threshold_method:<8} {setting.block_size:>5} {setting.offset:>6} |"
                f" {q.white:>5.3f} {q.noise_flips:>12.3f} {q.jpeg_flips:>11.3f} {q.noise_same:>11.3f}"
                f" {q.jpeg_same:>10.3f} {q.on_edges:>9.3f}{' *' if setting == choice else ''}"
            )
    lines.append(f"\nchoice: {choice or 'none, because no setting keeps 85% of its strokes'}")
    return "\n".join(lines)


def _as_records(
    settings: Sequence[FRNetParameters], results: Results, choice: FRNetParameters | None, frames: int
) -> dict[str, object]:
    rows = [
        {"resolution": resolution, **asdict(setting), **asdict(quality)}
        for resolution, qualities in results.items()
        for setting, quality in zip(settings, qualities, strict=True)
    ]
    return {"frames": frames, "choice": asdict(choice) if choice else None, "settings": rows}


if __name__ == "__main__":
    sys.exit(main())
