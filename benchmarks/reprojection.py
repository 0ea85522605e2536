"""How far the lifted joints are, in the picture, from where the detector saw them.

    python benchmarks/reprojection.py CLIPS [--json]

CLIPS is what ``signdiff-slp prepare`` takes: a folder of OpenPose JSON, of MediaPipe's landmarks, ... Each clip goes
through reading, the choice of the signer, cleaning and lifting. A row is a clip: the median, over the joints that the
detector saw, of the distance between the lifted joint and the keypoint in pixels of a picture 1280 wide, for the body
and the hands; and the 95th percentile. Below it, all clips together.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from signdiff_core.lifting import lift
from signdiff_core.skeleton import BODY, LEFT_HAND
from signdiff_core.sources import find_clips, read
from signdiff_core.sources.signer import choose_signer
from signdiff_slp.prepare.clean import clean, drop_doubtful

PARTS = {"body": BODY, "hands": slice(LEFT_HAND.start, None)}
WIDTH = 1280


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, metavar="CLIPS")
    parser.add_argument("--min-confidence", type=float, default=0.1, help="of joints that count (default: 0.1)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()

    seen = [choose_signer(read(source)) for source in find_clips(options.clips)]
    cleaned = [clean(each.points, each.depth, min_confidence=options.min_confidence) for each in seen]
    lifted = [lift(each.in_space) for each in cleaned]
    errors: dict[str, dict[str, np.ndarray]] = {}
    for clip, joints in zip(seen, lifted, strict=True):
        sure = drop_doubtful(clip.points, min_confidence=options.min_confidence)
        apart = np.linalg.norm(joints[..., :2] - sure[..., :2], axis=-1) * (WIDTH / (clip.size or (WIDTH, 0))[0])
        errors[clip.name] = {name: apart[:, part][sure[:, part, 2] > 0] for name, part in PARTS.items()}
    names = PARTS.keys()
    errors["all"] = {part: np.concatenate([clip[part] for clip in errors.values()]) for part in names}
    rows = {
        name: {
            f"{part}_{quantile}": float(np.quantile(found[part], quantile / 100))
            for part in names
            for quantile in (50, 95)
        }
        for name, found in errors.items()
    }
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'pixels of ' + str(WIDTH):<32}" + "".join(f"{key.replace('_', ' ') + '%':>12}" for key in rows["all"]))
    for name, row in rows.items():
        print(f"{name:<32}" + "".join(f"{value:>12.2f}" for value in row.values()))


if __name__ == "__main__":
    main()
