"""Pictures of FR-Net's presets, and how far the maps of one scene agree at 256, 512 and 1024 pixels.

    signdiff translate "hello" -o hello.pose
    python benchmarks/frnet_styles.py hello.pose -o packages/signdiff-frnet/docs

The scenes are parametric signers (no real person) who perform the pose, drawn at 1024 pixels; the smaller frames are
these, averaged. Agreement is the intersection over union of the strokes, mean over the scenes; the smaller map is
enlarged by repeating its pixels. Rows: each preset with the same sizes in pixels at every resolution; with sizes
scaled by the rule of ``FRNetParameters.for_resolution``; and with every frame resized to 512 pixels first, as
``FRNetDetector`` does by default.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import cv2
import numpy as np
from PIL import Image
from pose_format import Pose

from signdiff_core.avatar import Signer, fit, render_frames
from signdiff_core.avatar.body import Motion
from signdiff_core.skeleton import joints_of
from signdiff_frnet import FRNetParameters, frnet
from signdiff_frnet.contract import resize_frame
from signdiff_frnet.parameters import Preset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    Frame = NDArray[np.uint8]

RESOLUTIONS = (256, 512, 1024)
PAIRS = list(combinations(RESOLUTIONS, 2))


def draw_scenes(path: Path, *, count: int, seed: int) -> Iterator[Frame]:
    """Draw frames of a pose file, evenly spaced, each by another signer, at 1024 pixels."""
    joints, confidence = joints_of(Pose.read(path.read_bytes()))
    rng = np.random.default_rng(seed)
    for index in np.linspace(0, len(joints) - 1, count + 2).round().astype(int)[1:-1]:
        signer = Signer.sample(rng)
        motion = fit(signer.avatar(), joints, confidence)
        one = Motion(body=motion.body, turns=motion.turns[index : index + 1])
        yield from render_frames(signer, one, size=RESOLUTIONS[-1])


def shrink(frame: Frame, size: int) -> Frame:
    """Average a square frame down to a size."""
    if len(frame) == size:
        return frame
    return np.asarray(cv2.resize(frame, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def draw_as_it_is(frame: Frame, parameters: FRNetParameters) -> Frame:
    """Draw with the same sizes in pixels, whatever the resolution."""
    return frnet(frame, **asdict(parameters))


def draw_scaled(frame: Frame, parameters: FRNetParameters) -> Frame:
    """Draw with sizes that follow the resolution."""
    return frnet(frame, **asdict(parameters.for_resolution(len(frame))))


def draw_at_512(frame: Frame, parameters: FRNetParameters) -> Frame:
    """Draw after resizing to 512 pixels."""
    return frnet(resize_frame(frame, 512), **asdict(parameters))


def iou(smaller: Frame, larger: Frame) -> float:
    """Compare the strokes of two maps of one scene."""
    enlarged = cv2.resize(smaller, larger.shape[::-1], interpolation=cv2.INTER_NEAREST) == 0
    return float((enlarged & (larger == 0)).sum() / (enlarged | (larger == 0)).sum())


def agreement(
    scenes: Sequence[Frame], parameters: FRNetParameters, draw: Callable[[Frame, FRNetParameters], Frame]
) -> list[float]:
    """Mean IoU over the scenes, for each pair of resolutions."""
    rows = []
    for scene in scenes:
        maps = {size: draw(shrink(scene, size), parameters) for size in RESOLUTIONS}
        rows.append([iou(maps[small], maps[large]) for small, large in PAIRS])
    return [float(value) for value in np.mean(rows, axis=0)]


def save(path: Path, pictures: Sequence[Frame], *, side: int) -> None:
    """Put pictures beside each other, as a small PNG."""
    gap = np.full((side, 6, 3), 255, np.uint8)
    row: list[Frame] = []
    for picture in pictures:
        rgb = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
        row += [shrink(rgb, side), gap]
    strip = Image.fromarray(np.hstack(row[:-1]))
    strip.quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pose", type=Path, help="a .pose file")
    parser.add_argument("-o", "--output", type=Path, help="folder for the pictures")
    parser.add_argument("--scenes", type=int, default=3, help="frames that are compared (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="draws the signers (%(default)s)")
    arguments = parser.parse_args()
    scenes = list(draw_scenes(arguments.pose, count=arguments.scenes, seed=arguments.seed))

    print("| preset | sizes | " + " | ".join(f"{small} and {large}" for small, large in PAIRS) + " |")
    print("|---" * (2 + len(PAIRS)) + "|")
    ways = {"same pixels": draw_as_it_is, "scaled": draw_scaled, "resized to 512 first": draw_at_512}
    for name in get_args(Preset):
        for way, draw in ways.items():
            values = agreement(scenes, FRNetParameters.preset(name), draw)
            print(f"| {name} | {way} | " + " | ".join(f"{value:.2f}" for value in values) + " |")

    if arguments.output:
        arguments.output.mkdir(parents=True, exist_ok=True)
        scene = scenes[len(scenes) // 2]
        frame = shrink(scene, 512)
        presets = [draw_as_it_is(frame, FRNetParameters.preset(name)) for name in get_args(Preset)]
        save(arguments.output / "presets.png", [frame, *presets], side=320)
        paper = FRNetParameters()
        for name, draw in (("same-pixels", draw_as_it_is), ("scaled", draw_scaled)):
            maps = [draw(shrink(scene, size), paper) for size in RESOLUTIONS]
            enlarged = [cv2.resize(one, (512, 512), interpolation=cv2.INTER_NEAREST) for one in maps]
            save(arguments.output / f"resolutions-{name}.png", enlarged, side=320)
    return 0


if __name__ == "__main__":
    sys.exit(main())
