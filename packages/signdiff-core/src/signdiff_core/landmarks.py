"""From the landmarks of common detectors to the 50 joints.

MediaPipe Holistic (any selection of its landmarks that has shoulders, elbows, wrists and both hands) and OpenPose's
BODY_25 with hands, as `pose_format` stores them. MediaPipe has no neck: the middle of the shoulders is taken. Where it
detects a hand, the hand's wrist is the body's wrist as well, for the hand's model sees it better. Files without the
landmark of the nose have it from the face: the tip of the nose, or a place between the inner corners of the eyes and
the upper lip (at 0.56 of the way, the mean over the signers of `spoken-to-signed`).
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core import skeleton
from signdiff_core.skeleton import HAND_JOINTS, LEFT_HAND, NECK, NOSE, RIGHT_HAND

if TYPE_CHECKING:  # pose_format is heavy to import
    from pose_format import Pose

_HANDS: Final = ((LEFT_HAND, skeleton.LEFT_WRIST), (RIGHT_HAND, skeleton.RIGHT_WRIST))
_HOLISTIC_BODY: Final = {name: joint for joint, name in enumerate(skeleton.BODY_JOINTS) if joint not in (NOSE, NECK)}
_NOSE_TIP: Final = "1"
_INNER_EYES_AND_LIP: Final = ("133", "362", "0")
_NOSE_WEIGHTS: Final = np.array([0.22, 0.22, 0.56])


@dataclass(frozen=True)
class Landmarks:
    """Joints as a detector gives them.

    Attributes:
        joints: (T, 50, 3) float64, y downwards. Absent joints are anything.
        confidence: (T, 50); 0 where absent.
        loose_depth: whether depth is in MediaPipe's unit, not that of width and height: that of the body from the
            neck, that of a hand from its wrist.
        wrist_depth: whether the body's wrists have a depth of their own.
        nose_depth: whether the nose has a depth in the body's unit.
    """

    joints: NDArray[np.float64]
    confidence: NDArray[np.float64]
    _: KW_ONLY
    loose_depth: bool = False
    wrist_depth: bool = True
    nose_depth: bool = True


def landmarks_of(pose: Pose) -> Landmarks:
    """Take the 50 joints out of a pose of one person: the 50, MediaPipe Holistic's or OpenPose's.

    Raises ValueError where the pose has another skeleton, or several people.
    """
    if skeleton.is_skeleton(pose):
        joints, confidence = skeleton.joints_of(pose)
        return Landmarks(joints.astype(np.float64), confidence.astype(np.float64))
    people = pose.body.data.shape[1]
    if people != 1:
        raise ValueError(f"pose must hold one person, but holds {people}.")
    names = {component.name: list(component.points) for component in pose.header.components}
    if names.keys() >= {"POSE_LANDMARKS", "LEFT_HAND_LANDMARKS", "RIGHT_HAND_LANDMARKS"}:
        return _from_holistic(_Points(pose))
    if names.keys() >= {"pose_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d"}:
        return _from_openpose(_Points(pose))
    counted = ", ".join(f"{name} ({len(points)})" for name, points in names.items())
    raise ValueError(f"pose must be of the 50 joints, MediaPipe Holistic or OpenPose, but has {counted}.")


class _Points:
    """Looks up points of a pose by component and name; absent ones have confidence 0."""

    def __init__(self, pose: Pose) -> None:
        data = np.ma.filled(pose.body.data[:, 0], np.nan).astype(np.float64)
        if data.shape[-1] == 2:
            data = np.concatenate([data, np.zeros_like(data[..., :1])], axis=-1)
        self.data = data[..., :3]
        confidence = np.asarray(pose.body.confidence[:, 0], dtype=np.float64)
        self.confidence = np.where(np.isfinite(self.data).all(axis=-1), confidence, 0.0)
        self.index: dict[tuple[str, str], int] = {}
        self.starts: dict[str, tuple[int, int]] = {}
        start = 0
        for component in pose.header.components:
            self.starts[component.name] = (start, len(component.points))
            for offset, name in enumerate(component.points):
                self.index[component.name, name] = start + offset
            start += len(component.points)

    def find(self, component: str, *names: str) -> list[int] | None:
        found = [self.index.get((component, name)) for name in names]
        return None if None in found else [index for index in found if index is not None]


def _from_holistic(points: _Points) -> Landmarks:
    T = len(points.data)
    joints, confidence = np.zeros((T, skeleton.NUM_JOINTS, 3)), np.zeros((T, skeleton.NUM_JOINTS))
    body = points.find("POSE_LANDMARKS", *_HOLISTIC_BODY)
    if body is None:
        raise ValueError(f"POSE_LANDMARKS must hold {', '.join(_HOLISTIC_BODY)}, but lack some of them.")
    targets = list(_HOLISTIC_BODY.values())
    joints[:, targets], confidence[:, targets] = points.data[:, body], points.confidence[:, body]
    shoulders = [skeleton.LEFT_SHOULDER, skeleton.RIGHT_SHOULDER]
    joints[:, NECK], confidence[:, NECK] = joints[:, shoulders].mean(axis=1), confidence[:, shoulders].min(axis=1)
    joints[:, NOSE], confidence[:, NOSE], nose_depth = _nose(points)
    joints[:, : LEFT_HAND.start, 2] -= joints[:, NECK, None, 2]
    wrist_depth = True
    for name, (part, wrist) in zip(("LEFT", "RIGHT"), _HANDS, strict=True):
        hand = points.find(f"{name}_HAND_LANDMARKS", *HAND_JOINTS)
        if hand is None:
            raise ValueError(f"{name}_HAND_LANDMARKS must hold the 21 joints of a hand, but lack some of them.")
        joints[:, part], confidence[:, part] = points.data[:, hand], points.confidence[:, hand]
        wrists = points.find("POSE_LANDMARKS", f"{name}_WRIST") or hand
        copied = (points.data[:, wrists[0]] == points.data[:, hand[0]]).all(axis=-1)
        wrist_depth &= not copied.any()
        joints[:, part, 2] -= joints[:, part.start, None, 2]
        seen = (confidence[:, part.start] > 0) & (confidence[:, wrist] > 0)
        joints[seen, wrist, :2] = joints[seen, part.start, :2]
    return Landmarks(joints, confidence, loose_depth=True, wrist_depth=wrist_depth, nose_depth=nose_depth)


def _nose(points: _Points) -> tuple[NDArray[np.float64], NDArray[np.float64], bool]:
    own = points.find("POSE_LANDMARKS", "NOSE")
    nose = own or points.find("FACE_LANDMARKS", _NOSE_TIP)
    if nose is not None:
        return points.data[:, nose[0]], points.confidence[:, nose[0]], own is not None
    face = points.find("FACE_LANDMARKS", *_INNER_EYES_AND_LIP)
    if face is None:
        raise ValueError("pose must hold the nose or the face around it, but has neither.")
    place = np.einsum("k,tkd->td", _NOSE_WEIGHTS, points.data[:, face])
    return place, points.confidence[:, face].min(axis=1), False


def _from_openpose(points: _Points) -> Landmarks:
    order = []
    for name, count in (
        ("pose_keypoints_2d", LEFT_HAND.start),
        ("hand_left_keypoints_2d", len(HAND_JOINTS)),
        ("hand_right_keypoints_2d", len(HAND_JOINTS)),
    ):
        start, length = points.starts[name]
        if length < count:
            raise ValueError(f"{name} must hold at least {count} points, but holds {length}.")
        order += list(range(start, start + count))
    joints = points.data[:, order].copy()
    joints[..., 2] = 0.0
    return Landmarks(joints, points.confidence[:, order])
