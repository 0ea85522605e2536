"""Videos, by MediaPipe Holistic, which comes with ``signdiff-eval[hands]``. Its models are in its wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from signdiff_core.formats import FormatError
from signdiff_core.skeleton import HAND_JOINTS
from signdiff_core.video import probe, read_video
from signdiff_slp.prepare.sources.detections import MAX_FRAMES, Detections
from signdiff_slp.prepare.sources.holistic import BODY_LANDMARKS, joints_of_holistic

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def detect_in_video(path: Path, name: str) -> Detections:
    """Find the signer of a video, frame after frame. MediaPipe follows one person.

    Args:
        path: a video of any format that FFmpeg reads.
        name: of the clip.

    Raises:
        FormatError: the video has too many frames or none, or no frame rate.
        VideoError: the file is not a video, or damaged.
        ModuleNotFoundError: MediaPipe is missing.
    """
    info = probe(path)
    if not info.fps > 0:
        raise FormatError(path, "expected a video with a frame rate, but the file tells none.")
    try:
        from mediapipe.python.solutions.holistic import Holistic
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f'{path}: finding people in videos needs MediaPipe: pip install "signdiff-eval[hands]", or give keypoints.'
        ) from error
    size = (info.width, info.height)
    poses, left_hands, right_hands = [], [], []
    with Holistic(model_complexity=1) as detector:
        for number, frame in enumerate(read_video(path)):
            if number == MAX_FRAMES:
                raise FormatError(path, f"expected at most {MAX_FRAMES} frames, but there are more.")
            seen = detector.process(np.ascontiguousarray(frame))
            poses.append(_in_pixels(seen.pose_landmarks, BODY_LANDMARKS, size))
            left_hands.append(_in_pixels(seen.left_hand_landmarks, len(HAND_JOINTS), size))
            right_hands.append(_in_pixels(seen.right_hand_landmarks, len(HAND_JOINTS), size))
    if not poses:
        raise FormatError(path, "expected a video, but it holds no frame.")
    people = joints_of_holistic(np.stack(poses), np.stack(left_hands), np.stack(right_hands))
    return Detections(name=name, people=people, fps=info.fps, size=size)


def _in_pixels(landmarks: Any, count: int, size: tuple[int, int]) -> NDArray[np.float64]:
    """(count, 4) of x, y, z in pixels and visibility; NaN where nothing was found."""
    if landmarks is None:
        return np.full((count, 4), np.nan)
    width, height = size
    return np.array([(p.x * width, p.y * height, p.z * width, p.visibility) for p in landmarks.landmark])
