"""Depth for the landmarks of common detectors, which `signdiff_core.landmarks` turns into the 50 joints.

A nose that comes from the face is put as far before the neck as the body of `body` has it, for a face's depth is its
own. Many files have the body's wrists replaced by those of the hands, depth included, which then says nothing about
the arm. The forearm's usual length puts such a wrist before the elbow, towards the viewer.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from signdiff_core.landmarks import Landmarks, landmarks_of
from signdiff_core.skeleton import (
    LEFT_ELBOW,
    LEFT_HAND,
    LEFT_SHOULDER,
    LEFT_WRIST,
    NOSE,
    RIGHT_ELBOW,
    RIGHT_HAND,
    RIGHT_SHOULDER,
    RIGHT_WRIST,
)

__all__ = ["FOREARM", "NOSE_BEFORE_NECK", "Landmarks", "landmarks_of", "shoulder_width", "with_depth"]

FOREARM: Final = 0.81
"""From elbow to wrist, in shoulder widths; that of `body`, whose import needs the extra ``corpora``."""

NOSE_BEFORE_NECK: Final = 0.42
"""How far the nose is before the neck, in shoulder widths; that of `body`."""

_HANDS: Final = ((LEFT_HAND, LEFT_WRIST), (RIGHT_HAND, RIGHT_WRIST))


def with_depth(landmarks: Landmarks, *, hand: float, arm: float) -> Landmarks:
    """Give loose depth the unit of width and height.

    Args:
        landmarks: of one clip.
        hand: shoulder widths per unit of depth within a hand.
        arm: shoulder widths per unit of depth in the body; if it and ``hand`` are 0, the pose becomes flat.

    Returns:
        The landmarks themselves if their depth is not loose.
    """
    if not landmarks.loose_depth:
        return landmarks
    joints = landmarks.joints.copy()
    width = shoulder_width(landmarks)
    joints[..., 2] *= arm * width
    flat = hand == arm == 0
    if not landmarks.nose_depth:
        joints[:, NOSE, 2] = 0.0 if flat else -NOSE_BEFORE_NECK * width
    if not landmarks.wrist_depth:
        for elbow, wrist in ((LEFT_ELBOW, LEFT_WRIST), (RIGHT_ELBOW, RIGHT_WRIST)):
            seen = np.linalg.norm(joints[:, wrist, :2] - joints[:, elbow, :2], axis=-1)
            before = np.sqrt(np.maximum((FOREARM * width) ** 2 - seen**2, 0.0))
            joints[:, wrist, 2] = joints[:, elbow, 2] - (0.0 if flat else before)
    for part, wrist in _HANDS:
        joints[:, part, 2] = joints[:, wrist, None, 2] + landmarks.joints[:, part, 2] * hand * width
    return Landmarks(joints=joints, confidence=landmarks.confidence)


def shoulder_width(landmarks: Landmarks) -> float:
    """Measure the median distance of the shoulders as the viewer sees it, in the unit of width and height.

    Raises:
        ValueError: no frame has both shoulders, apart.
    """
    both = (landmarks.confidence[:, [LEFT_SHOULDER, RIGHT_SHOULDER]] > 0).all(axis=1)
    shoulders = landmarks.joints[both][:, [LEFT_SHOULDER, RIGHT_SHOULDER], :2]
    width = np.linalg.norm(shoulders[:, 0] - shoulders[:, 1], axis=-1)
    if not (width > 0).any():
        raise ValueError("joints must hold both shoulders in some frame, but they are absent.")
    return float(np.median(width[width > 0]))
