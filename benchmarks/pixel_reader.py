# /// script
# requires-python = ">=3.11,<3.13"
# dependencies = ["mediapipe==0.10.14", "numpy>=2", "opencv-python-headless>=4.9", "av>=14.1"]
#
# [tool.uv]
# override-dependencies = [
#     "jax; python_version < '3'",
#     "jaxlib; python_version < '3'",
#     "opencv-contrib-python; python_version < '3'",
# ]
# ///
"""An independent reader of videos: where MediaPipe sees body, hands and face, each picture on its own.

    uv run --script benchmarks/pixel_reader.py VIDEO OUT.npz [--step 3] [--most N] [--hands]

VIDEO may also be pictures, by a pattern such as ``frames/%06d.png``. The reader knows nothing of SignDiff, and nothing
is carried from picture to picture: what it finds is in the pixels. Pictures are enlarged to 1,024 rows. OUT holds
``frames`` (N,), the numbers of the pictures that were read; ``pose`` (N, 33, 4), ``left_hand`` and ``right_hand``
(N, 21, 4) and ``face`` (N, 478, 4) of x, y, z in pixels of the video and visibility, NaN where nothing was found;
``width``, ``height`` and ``fps``. With ``--hands``, which looks for hands alone and finds them where there is no body,
too, ``hands`` (N, 2, 21, 4) take the place of all parts, in no particular order.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import av
import cv2
import numpy as np
from mediapipe.python.solutions.hands import Hands
from mediapipe.python.solutions.holistic import Holistic

ROWS = 1024
MOST_HANDS = 2
PARTS = {
    "pose": ("pose_landmarks", 33),
    "left_hand": ("left_hand_landmarks", 21),
    "right_hand": ("right_hand_landmarks", 21),
    "face": ("face_landmarks", 478),
}


def main() -> None:
    """Read a video."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--step", type=int, default=3, help="read every so many pictures (default: 3)")
    parser.add_argument("--most", type=int, default=None, help="pictures of the video, from its first (default: all)")
    parser.add_argument("--hands", action="store_true", help="look for hands alone")
    options = parser.parse_args()
    found: dict[str, list[np.ndarray]] = {name: [] for name in (["hands"] if options.hands else PARTS)}
    numbers = []
    with (
        Hands(static_image_mode=True, max_num_hands=MOST_HANDS, model_complexity=1)
        if options.hands
        else Holistic(static_image_mode=True, model_complexity=1, refine_face_landmarks=True) as detector,
        av.open(str(options.video)) as file,
    ):
        fps = float(file.streams.video[0].average_rate)
        for number, frame in enumerate(file.decode(video=0)):
            if options.most is not None and number >= options.most:
                break
            if number % options.step:
                continue
            picture = frame.to_ndarray(format="rgb24")
            height, width = picture.shape[:2]
            if height < ROWS:
                picture = cv2.resize(picture, (round(width * ROWS / height), ROWS), interpolation=cv2.INTER_CUBIC)
            seen = detector.process(np.ascontiguousarray(picture))
            numbers.append(number)
            if options.hands:
                several = [*(seen.multi_hand_landmarks or []), *[None] * MOST_HANDS][:MOST_HANDS]
                found["hands"].append(np.stack([points_of(marks, 21, width, height, False) for marks in several]))
                continue
            for name, (attribute, count) in PARTS.items():
                found[name].append(points_of(getattr(seen, attribute), count, width, height, name == "pose"))
    temporary = options.output.with_name(f".{options.output.name}.tmp.npz")
    arrays = {name: np.stack(rows).astype(np.float32) for name, rows in found.items()}
    np.savez_compressed(temporary, frames=np.array(numbers), width=width, height=height, fps=fps, **arrays)
    temporary.replace(options.output)


def points_of(marks: object, count: int, width: int, height: int, has_visibility: bool) -> np.ndarray:
    """Give x, y, z in pixels and visibility of a part, (count, 4); NaN where it was not found."""
    if marks is None:
        return np.full((count, 4), np.nan)
    return np.array(
        [(p.x * width, p.y * height, p.z * width, p.visibility if has_visibility else 1.0) for p in marks.landmark]
    )


if __name__ == "__main__":
    main()
