"""How far the predictor carries to real people: maps of real frames against maps predicted from their poses.

    python benchmarks/frnet_real.py CLIPS [--model DIR] [--frame_step 10] [--picture PNG] [--json]

CLIPS holds videos in ``mp4/`` and, for each, MediaPipe Holistic's landmarks in ``mediapipe/NAME.npz``: ``pose``
(T, 33, 4) and ``left_hand``, ``right_hand`` (T, 21, 4) in pixels, the fourth number a visibility, NaN where absent;
``fps``, ``width``, ``height``. The middle square of every so many frames is compared; rows and columns are those of
benchmarks/frnet_predictor.py. The reference is the map of another frame of the same clip.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
from frnet_predictor import Maps, compare, picture, table
from numpy.typing import NDArray

from signdiff_core import formats
from signdiff_core.skeleton import (
    BODY_JOINTS,
    LEFT_HAND,
    NECK,
    NUM_JOINTS,
    RIGHT_HAND,
    make_pose,
)
from signdiff_frnet import FRNetPredictor
from signdiff_frnet.training.sources import open_folder

HOLISTIC = {
    "NOSE": 0,
    "LEFT_SHOULDER": 11,
    "RIGHT_SHOULDER": 12,
    "LEFT_ELBOW": 13,
    "RIGHT_ELBOW": 14,
    "LEFT_WRIST": 15,
    "RIGHT_WRIST": 16,
}
"""Joints of the body among MediaPipe's 33; the neck is the middle of the shoulders."""


def joints_of(landmarks: dict[str, NDArray[np.float32]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Take the 50 joints out of MediaPipe's landmarks: pixels (T, 50, 3) without depth, and confidences (T, 50)."""
    body = landmarks["pose"]
    found = np.zeros((len(body), NUM_JOINTS, 4), dtype=np.float32)
    for joint, name in enumerate(BODY_JOINTS):
        if name in HOLISTIC:
            found[:, joint] = body[:, HOLISTIC[name]]
    found[:, NECK] = (body[:, HOLISTIC["LEFT_SHOULDER"]] + body[:, HOLISTIC["RIGHT_SHOULDER"]]) / 2
    for hand, name in ((LEFT_HAND, "left_hand"), (RIGHT_HAND, "right_hand")):
        found[:, hand] = landmarks[name]
    present = np.isfinite(found[..., :2]).all(axis=-1)
    joints = np.zeros((len(body), NUM_JOINTS, 3), dtype=np.float32)
    joints[..., :2] = np.where(present[..., None], found[..., :2], 0)
    return joints, present.astype(np.float32)


def gather(clips: Path, folder: Path) -> None:
    """Put links to the videos into a folder, each with a ``.pose`` file beside it."""
    names = sorted(path.stem for path in (clips / "mediapipe").glob("*.npz"))
    if not names:
        raise FileNotFoundError(f"{clips}/mediapipe: expected .npz files, but there are none.")
    for name in names:
        with np.load(clips / "mediapipe" / f"{name}.npz") as data:
            landmarks = dict(data)
        joints, confidence = joints_of(landmarks)
        pose = make_pose(joints, float(landmarks["fps"]), confidence=confidence)
        pose.header.dimensions.width = int(landmarks["width"])
        pose.header.dimensions.height = int(landmarks["height"])
        formats.write(pose, folder / f"{name}.pose")
        (folder / f"{name}.mp4").symlink_to((clips / "mp4" / f"{name}.mp4").resolve())


def main() -> int:
    """Run the benchmark; see the module's docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("clips", type=Path, help="folder with mp4/ and mediapipe/")
    parser.add_argument("--model", default=None, help="predictor's folder or name; the bundled one if not given")
    parser.add_argument("--frame_step", type=int, default=10, help="compare every so many frames (default: 10)")
    parser.add_argument("--picture", type=Path, default=None, help="PNG file for a row of pictures of each clip")
    parser.add_argument("--json", action="store_true", help="print for machines")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        try:
            gather(arguments.clips, Path(home))
            source = open_folder(Path(home), frame_step=arguments.frame_step)
            maps = Maps(source, FRNetPredictor.from_pretrained(arguments.model))
        except (ImportError, OSError, ValueError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        rows = compare(maps, range(len(source)))
    if arguments.picture is not None:
        clips = sorted({min([index, *source.companions(index)]) for index in range(len(source))})
        picture(maps, [first + len(source.companions(first)) // 3 for first in clips[:6]], arguments.picture)
    if arguments.json:
        print(json.dumps({"frames": len(source), "rows": [asdict(row) for row in rows]}, indent=2))
    else:
        print(table(rows))
        print(f"{len(source)} frames")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
