"""From the landmarks of common detectors to the 50 joints, eyes, ears and a face (`faces`).

MediaPipe Holistic (any selection of its landmarks that has shoulders, elbows, wrists and both hands) and OpenPose's
BODY_25 with hands, as `pose_format` stores them. MediaPipe has no neck: the middle of the shoulders is taken. Where it
detects a hand, the hand's wrist is the body's wrist as well, for the hand's model sees it better. Files without the
landmark of the nose have it from the face: the tip of the nose, or a place between the inner corners of the eyes and
the upper lip (at 0.56 of the way, the mean over the signers of `spoken-to-signed`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core import skeleton
from signdiff_core.faces import holistic_face, openpose_face
from signdiff_core.skeleton import HAND_JOINTS, LEFT_HAND, NECK, NOSE, RIGHT_HAND

if TYPE_CHECKING:  # pose_format is heavy to import
    from pose_format import Pose

_HANDS: Final = ((LEFT_HAND, skeleton.LEFT_WRIST), (RIGHT_HAND, skeleton.RIGHT_WRIST))
_HOLISTIC_BODY: Final = {name: joint for joint, name in enumerate(skeleton.BODY_JOINTS) if joint not in (NOSE, NECK)}
_NOSE_TIP: Final = "1"
_INNER_EYES_AND_LIP: Final = ("133", "362", "0")
_UNSCALED: Final = 0.02
"""Depths that spread less than this share of what their joints spread in the picture are shares of its width."""

_NOSE_WEIGHTS: Final = np.array([0.22, 0.22, 0.56])


@dataclass(frozen=True)
class Landmarks:
    """Joints as a detector gives them.

    Attributes:
        joints: (T, J, 3) float64, y downwards: the 50 joints, or those of `BODY_HANDS_FACE`. Absent ones are anything.
        confidence: (T, J); 0 where absent.
        loose_depth: whether depth is in MediaPipe's unit, not that of width and height: that of the body from the
            neck, that of a hand from its wrist, that of the face from the corners of its eyes.
        wrist_depth: whether the body's wrists have a depth of their own.
        nose_depth: whether the nose has a depth in the body's unit.
    """

    joints: NDArray[np.float64]
    confidence: NDArray[np.float64]
    _: KW_ONLY
    loose_depth: bool = False
    wrist_depth: bool = True
    nose_depth: bool = True

    def depth_in_pixels(self, points: NDArray[np.float32], width: float) -> NDArray[np.float32] | None:
        """Give the loose depth: (T, J) float32, NaN where there is none; None if there is none at all.

        ``points`` (T, J, 3) are the same joints, x and y in pixels and confidence. MediaPipe's depth is a share of the
        picture's ``width``, unless whoever wrote it has multiplied it already: then it spreads as joints do.
        """
        if not self.loose_depth:
            return None
        depth, present = self.joints[..., 2].copy(), points[..., 2] > 0
        if not self.nose_depth:
            depth[:, NOSE] = np.nan
        if not self.wrist_depth:
            depth[:, [skeleton.LEFT_WRIST, skeleton.RIGHT_WRIST]] = np.nan
        depth = np.where(present, depth, np.nan)
        if np.isnan(depth).all():
            return None
        apart = np.where(present[..., None], points[..., :2], np.nan)
        seen = present.any(axis=1)
        spread = np.nanmedian(np.nanstd(depth[seen], axis=1)), np.nanmedian(np.nanstd(apart[seen], axis=1))
        return np.asarray(depth * (width if spread[0] < _UNSCALED * spread[1] else 1.0), dtype=np.float32)


def landmarks_of(pose: Pose, *, face: bool = False) -> Landmarks:
    """Take the 50 joints out of a pose of one person: of a skeleton of ours, MediaPipe Holistic or OpenPose.

    With `face`, `HEAD` and `FACE` follow, absent where the pose has none. Raises ValueError where the pose has another
    skeleton, or several people.
    """
    if skeleton.is_known(pose):
        around = skeleton.face_of(pose)
        return _with_face(Landmarks(*_doubles(skeleton.joints_of(pose))), around and _doubles(around), face)
    people = pose.body.data.shape[1]
    if people != 1:
        raise ValueError(f"pose must hold one person, but holds {people}.")
    names = {component.name: list(component.points) for component in pose.header.components}
    if names.keys() >= {"POSE_LANDMARKS", "LEFT_HAND_LANDMARKS", "RIGHT_HAND_LANDMARKS"}:
        return _from_holistic(_Points(pose), face)
    if names.keys() >= {"pose_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d"}:
        return _from_openpose(_Points(pose), face)
    counted = ", ".join(f"{name} ({len(points)})" for name, points in names.items())
    raise ValueError(f"pose must be of the 50 joints, MediaPipe Holistic or OpenPose, but has {counted}.")


def to_skeleton(pose: Pose) -> Pose:
    """Bring a detector's pose of one person to a skeleton of ours: with eyes, ears and face if it has any of them.

    Positions stay in pixels, and z is what `as_pose` says. Raises ValueError as of `landmarks_of`, and where the pose
    is of another skeleton than ours and its header names no picture.
    """
    if skeleton.is_known(pose):
        return pose
    found = landmarks_of(pose, face=True)
    width, height = int(pose.header.dimensions.width), int(pose.header.dimensions.height)
    if (width, height) == (1, 1):
        raise ValueError("pose must be in pixels and name the size of its picture, but names 1x1.")
    points = np.concatenate([found.joints[..., :2], found.confidence[..., None]], axis=-1).astype(np.float32)
    return as_pose(points, found.depth_in_pixels(points, width), float(pose.body.fps), (width, height))


def has_loose_depth(pose: Pose) -> bool:
    """Tell whether a pose of a skeleton of ours is in pixels, with a detector's depth that nothing has lifted.

    Such a depth counts from the neck in the body and from the wrist in a hand: it is 0 in the hands' own wrists.
    """
    if (pose.header.dimensions.width, pose.header.dimensions.height) == (1, 1):
        return False
    z = skeleton.joints_of(pose)[0][..., 2]
    return bool(z.any() and not z[:, [LEFT_HAND.start, RIGHT_HAND.start]].any())


def in_space(pose: Pose) -> NDArray[np.float32]:
    """Give a pose of a skeleton of ours as a detector sees it, for what lifts it.

    (T, J, 4) of x, y and z in the pose's unit and confidence. z is NaN unless the pose `has_loose_depth`: then it is
    that of the body from the neck, of a hand from its wrist, and NaN where the detector tells none.
    """
    joints, confidence = skeleton.skeleton_of(pose).arrays(pose)
    points = np.concatenate([joints, confidence[..., None]], axis=-1)
    known = (joints[..., 2] != 0) & has_loose_depth(pose)
    if known.any():
        known[:, [NECK, LEFT_HAND.start, RIGHT_HAND.start]] = True  # from which the others' counts
    points[~known | (confidence == 0), 2] = np.nan
    return points


def as_pose(
    points: NDArray[np.float32],
    depth: NDArray[np.float32] | None,
    fps: float,
    size: tuple[int, int],
    kind: skeleton.Skeleton | None = None,
) -> Pose:
    """Make a pose in pixels.

    Args:
        points: (T, 124, 3) of x, y and confidence, 0 where absent.
        depth: (T, 124) in pixels, of the body from the neck, of a hand from its wrist, of the face from the corners of
            its eyes; it becomes z. Where it is NaN, and if there is none, z is 0.
        fps: frames per second.
        size: width and height of the picture.
        kind: skeleton of the pose; if not given, with eyes, ears and face where any of them is seen.
    """
    if kind is None:
        around = points[:, skeleton.NUM_JOINTS :, 2].any()
        kind = skeleton.BODY_HANDS_FACE if around else skeleton.OPENPOSE50
    z = np.zeros(points.shape[:2], dtype=np.float32) if depth is None else np.nan_to_num(depth)
    joints = np.where(points[..., 2:] > 0, np.concatenate([points[..., :2], z[..., None]], axis=-1), 0)
    pose = kind.make_pose(joints[:, : kind.num_joints], fps, confidence=points[:, : kind.num_joints, 2])
    pose.header.dimensions = type(pose.header.dimensions)(*size, 0)
    return pose


def _doubles(
    part: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return part[0].astype(np.float64), part[1].astype(np.float64)


def _with_face(
    landmarks: Landmarks, part: tuple[NDArray[np.float64], NDArray[np.float64]] | None, face: bool
) -> Landmarks:
    """Put eyes, ears and face behind the 50 joints, if they are wanted."""
    if not face:
        return landmarks
    more = skeleton.BODY_HANDS_FACE.num_joints - skeleton.NUM_JOINTS
    points, weights = part or (np.zeros((len(landmarks.joints), more, 3)), np.zeros((len(landmarks.joints), more)))
    return replace(
        landmarks,
        joints=np.concatenate([landmarks.joints, points], axis=1),
        confidence=np.concatenate([landmarks.confidence, weights], axis=1),
    )


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

    def within(self, component: str) -> Callable[[str], int | None]:
        return lambda name: self.index.get((component, name))

    def find(self, component: str, *names: str) -> list[int] | None:
        found = [self.index.get((component, name)) for name in names]
        return None if None in found else [index for index in found if index is not None]


def _from_holistic(points: _Points, face: bool) -> Landmarks:
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
    around = None
    if face:
        around = holistic_face(
            points.data, points.confidence, points.within("POSE_LANDMARKS"), points.within("FACE_LANDMARKS")
        )
        own = [points.index.get(("POSE_LANDMARKS", name)) is not None for name in skeleton.HEAD_JOINTS]
        around[0][:, : len(own), 2] -= np.where(own, joints[:, NECK, None, 2], 0.0)
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
    found = Landmarks(joints, confidence, loose_depth=True, wrist_depth=wrist_depth, nose_depth=nose_depth)
    return _with_face(found, around, face)


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


def _from_openpose(points: _Points, face: bool) -> Landmarks:
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
    around = None
    if face:
        starts = points.starts["pose_keypoints_2d"], points.starts.get("face_keypoints_2d", (0, 0))
        around = openpose_face(points.data, points.confidence, *starts)
        around[0][..., 2] = 0.0
    return _with_face(Landmarks(joints, points.confidence[:, order]), around, face)
