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

from signdiff_core import formats
from signdiff_core.skeleton import make_pose
from signdiff_core.sources.arrays import read_mediapipe
from signdiff_frnet import FRNetPredictor
from signdiff_frnet.training.sources import open_folder


def gather(clips: Path, folder: Path) -> None:
    """Put links to the videos into a folder, each with a ``.pose`` file beside it."""
    names = sorted(path.stem for path in (clips / "mediapipe").glob("*.npz"))
    if not names:
        raise FileNotFoundError(f"{clips}/mediapipe: expected .npz files, but there are none.")
    for name in names:
        seen = read_mediapipe(clips / "mediapipe" / f"{name}.npz", name)
        points, confidence = seen.people[:, 0, :, :2], seen.people[:, 0, :, 2]
        pose = make_pose(np.pad(points, ((0, 0), (0, 0), (0, 1))), seen.fps, confidence=confidence)
        if seen.size is not None:
            pose.header.dimensions.width, pose.header.dimensions.height = seen.size
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
