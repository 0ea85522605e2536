"""From MediaPipe Holistic's landmarks to the 50 joints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from signdiff_core.landmarks import landmarks_of
from signdiff_core.skeleton import HAND_JOINTS, Component, make_header, wrap
from signdiff_slp.prepare.sources.detections import as_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

BODY_LANDMARKS: Final = 33
"""Landmarks of MediaPipe's body."""

_BODY: Final = {
    "NOSE": 0,
    "LEFT_SHOULDER": 11,
    "RIGHT_SHOULDER": 12,
    "LEFT_ELBOW": 13,
    "RIGHT_ELBOW": 14,
    "LEFT_WRIST": 15,
    "RIGHT_WRIST": 16,
}


def joints_of_holistic(
    pose: NDArray[np.floating], left_hand: NDArray[np.floating], right_hand: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Take the 50 joints out of MediaPipe's landmarks, as `landmarks_of` does.

    The neck is the middle of the shoulders. Where a hand is found, its wrist is the body's wrist.

    Args:
        pose: (T, 33, 4) of x, y, z in pixels and visibility in [0, 1]; NaN where absent.
        left_hand: (T, 21, 3 or 4) of x, y, z in pixels; NaN where absent. Hands that are found have confidence 1.
        right_hand: likewise.

    Returns:
        (T, 1, 50, 3) as in `Detections`.
    """
    header = make_header(
        [
            Component(name="POSE_LANDMARKS", joints=tuple(_BODY)),
            Component(name="LEFT_HAND_LANDMARKS", joints=HAND_JOINTS),
            Component(name="RIGHT_HAND_LANDMARKS", joints=HAND_JOINTS),
        ]
    )
    body = pose[:, list(_BODY.values())]
    points = np.concatenate([body[..., :3], left_hand[..., :3], right_hand[..., :3]], axis=1)
    confidence = np.isfinite(points).all(axis=-1).astype(np.float32)
    confidence[:, : len(_BODY)] *= np.nan_to_num(body[..., 3])
    landmarks = landmarks_of(wrap(points, 1.0, header, confidence))
    return as_points(landmarks.joints[..., :2], landmarks.confidence)[:, None]
