from copy import deepcopy

import numpy as np
import pytest
from pose_format import Pose
from pose_format.numpy import NumPyPoseBody
from pose_format.pose_header import PoseHeader, PoseHeaderComponent, PoseHeaderDimensions

from signdiff_core.formats import normalise, read
from signdiff_core.landmarks import landmarks_of
from signdiff_core.skeleton import HAND_JOINTS, LEFT_HAND, LEFT_WRIST, NECK, NOSE, RIGHT_HAND, RIGHT_WRIST, make_pose
from signdiff_slp.corpora.depth import FOREARM, NOSE_BEFORE_NECK, shoulder_width, with_depth

BODY = ("LEFT_SHOULDER", "RIGHT_SHOULDER", "LEFT_ELBOW", "RIGHT_ELBOW", "LEFT_WRIST", "RIGHT_WRIST")
TARGETS = {"RIGHT_SHOULDER": 2, "RIGHT_ELBOW": 3, "RIGHT_WRIST": 4, "LEFT_SHOULDER": 5, "LEFT_ELBOW": 6}


def _pose(components, data, confidence=None):
    header = PoseHeader(
        0.2,
        PoseHeaderDimensions(500, 500, 0),
        [PoseHeaderComponent(name, list(points), [], [(0, 0, 0)], "XYZC") for name, points in components.items()],
    )
    confidence = np.ones(data.shape[:3]) if confidence is None else confidence
    return Pose(header, NumPyPoseBody(25, data, confidence))


def _holistic(nose=("NOSE",), face=()):
    components = {
        "POSE_LANDMARKS": (*nose, *BODY),
        "FACE_LANDMARKS": face,
        "LEFT_HAND_LANDMARKS": HAND_JOINTS,
        "RIGHT_HAND_LANDMARKS": HAND_JOINTS,
    }
    count = sum(map(len, components.values()))
    data = np.random.default_rng(2).normal(size=(4, 1, count, 3)) * 50 + 250
    return components, data


def test_joints_come_from_their_landmarks():
    components, data = _holistic()
    landmarks = landmarks_of(_pose(components, data))
    shoulders = data[:, 0, 1:3].mean(axis=1)
    assert landmarks.joints[:, NECK, :2] == pytest.approx(shoulders[:, :2])
    assert landmarks.joints[:, NOSE] == pytest.approx(data[:, 0, 0] - shoulders * (0, 0, 1))
    for name, joint in TARGETS.items():
        if not name.endswith("WRIST"):
            place = data[:, 0, 1 + BODY.index(name)] - shoulders * (0, 0, 1)
            assert landmarks.joints[:, joint] == pytest.approx(place)
    for part, wrist, start in ((LEFT_HAND, LEFT_WRIST, 7), (RIGHT_HAND, RIGHT_WRIST, 28)):
        assert landmarks.joints[:, part, :2] == pytest.approx(data[:, 0, start : start + 21, :2])
        assert (landmarks.joints[:, part.start, 2] == 0).all()
        assert landmarks.joints[:, wrist, :2] == pytest.approx(data[:, 0, start, :2])
    assert (landmarks.confidence == 1).all()


def test_depth_becomes_one_with_width():
    components, data = _holistic()
    data[:, :, 1], data[:, :, 2] = (300, 200, 0.5), (200, 200, 0.5)  # shoulders 100 apart
    data[:, :, 6, 2] = 0.8  # right wrist
    data[:, :, 28, 2], data[:, :, 29, 2] = 7.0, 7.02  # first joints of the right hand
    deep = with_depth(landmarks_of(_pose(components, data)), hand=3.0, arm=0.5)
    assert deep.joints[:, RIGHT_WRIST, 2] == pytest.approx((0.8 - 0.5) * 0.5 * 100)
    assert deep.joints[:, RIGHT_HAND.start, 2] == pytest.approx(15)
    assert deep.joints[:, RIGHT_HAND.start + 1, 2] == pytest.approx(15 + 0.02 * 3 * 100)
    assert not deep.loose_depth


def test_absent_landmarks_are_absent_joints():
    components, data = _holistic()
    confidence = np.ones(data.shape[:3])
    confidence[1, 0, 7:28] = 0
    confidence[2, 0, 1] = 0
    landmarks = landmarks_of(_pose(components, data, confidence))
    assert (landmarks.confidence[1, LEFT_HAND] == 0).all()
    assert (landmarks.confidence[2, [NECK, 5]] == 0).all()
    assert landmarks.confidence.sum() == 4 * 50 - 21 - 2
    # Without the hand, the body's own wrist is what there is.
    assert landmarks.joints[1, LEFT_WRIST, :2] == pytest.approx(data[1, 0, 1 + BODY.index("LEFT_WRIST"), :2])


def test_a_nose_is_found_in_the_face():
    components, data = _holistic(nose=(), face=("0", "1", "133", "362"))
    tip = data[:, 0, 7]
    assert landmarks_of(_pose(components, data)).joints[:, NOSE, :2] == pytest.approx(tip[:, :2])
    components, data = _holistic(nose=(), face=("0", "133", "362"))
    data[:, :, 6], data[:, :, 7], data[:, :, 8] = (100, 200, 0), (90, 100, 0), (110, 100, 0)
    landmarks = landmarks_of(_pose(components, data))
    assert landmarks.joints[:, NOSE, :2] == pytest.approx(np.tile([100, 156], (4, 1)))
    # A face's depth is its own: the nose is before the neck, whatever it says.
    assert (with_depth(landmarks, hand=3, arm=1).joints[:, NOSE, 2] < 0).all()


def test_a_wrist_without_a_depth_of_its_own_is_before_the_elbow():
    components, data = _holistic()
    data[:, :, 1], data[:, :, 2] = (300, 200, 0.5), (200, 200, 0.5)  # shoulders 100 apart
    data[:, :, 4], data[:, :, 6] = (180, 290, 0.7), (180, 250, 9.0)  # right elbow and wrist, 40 apart
    data[:, :, 28] = data[:, :, 6]  # the hand's wrist
    landmarks = landmarks_of(_pose(components, data))
    assert not landmarks.wrist_depth
    deep = with_depth(landmarks, hand=3.0, arm=0.5).joints
    elbow = (0.7 - 0.5) * 0.5 * 100
    assert deep[:, 3, 2] == pytest.approx(elbow)
    # The forearm of the body here is 0.270 where shoulders are 1/3 apart: 81 where they are 100.
    assert deep[:, RIGHT_WRIST, 2] == pytest.approx(elbow - (81**2 - 40**2) ** 0.5)
    assert deep[:, RIGHT_HAND.start, 2] == pytest.approx(deep[:, RIGHT_WRIST, 2])
    flat = with_depth(landmarks, hand=0.0, arm=0.0).joints
    assert (flat[..., 2] == 0).all()


def test_the_lengths_are_those_of_the_body_that_spells():
    pytest.importorskip("scipy", reason="needs signdiff-slp[corpora]")
    from signdiff_slp.corpora.body import FOREARM_LENGTH, rest_pose

    assert pytest.approx(3 * FOREARM_LENGTH) == FOREARM
    assert pytest.approx(-3 * rest_pose()[NOSE, 2], abs=0.01) == NOSE_BEFORE_NECK


def test_openpose_keeps_its_order():
    components = {
        "pose_keypoints_2d": map(str, range(25)),
        "hand_left_keypoints_2d": map(str, range(21)),
        "hand_right_keypoints_2d": map(str, range(21)),
    }
    data = np.arange(67 * 3, dtype=float).reshape(1, 1, 67, 3)
    landmarks = landmarks_of(_pose({name: tuple(points) for name, points in components.items()}, data))
    assert landmarks.joints[0, :, 0].tolist() == [3 * point for point in (*range(8), *range(25, 67))]
    assert (landmarks.joints[..., 2] == 0).all()
    assert not landmarks.loose_depth


def test_our_own_skeleton_passes():
    joints = np.random.default_rng(0).normal(size=(2, 50, 3)).astype(np.float32)
    landmarks = landmarks_of(make_pose(joints, 25))
    assert np.array_equal(landmarks.joints, joints)
    assert with_depth(landmarks, hand=3, arm=1) is landmarks


def test_skeletons_that_do_not_fit():
    with pytest.raises(ValueError, match=r"but has THING \(2\)"):
        landmarks_of(_pose({"THING": "ab"}, np.zeros((1, 1, 2, 3))))
    components, data = _holistic()
    with pytest.raises(ValueError, match="must hold one person, but holds 2"):
        landmarks_of(_pose(components, np.concatenate([data, data], axis=1)))
    components, data = _holistic(nose=())
    with pytest.raises(ValueError, match="must hold the nose or the face around it"):
        landmarks_of(_pose(components, data))


@pytest.mark.realdata
def test_real_sentences_look_like_signers(realdata):
    forward = []
    for path in sorted((realdata / "dgs-sentences" / "train").glob("*_original.pose")):
        landmarks = with_depth(landmarks_of(read(path)), hand=3.0, arm=0.5)
        joints = normalise(landmarks.joints, landmarks.confidence)
        joints = joints[(landmarks.confidence[:, :8] > 0).all(axis=1)]
        assert joints[:, 2, 0].max() < 0 < joints[:, 5, 0].min(), path  # right shoulder on the viewer's left
        assert np.median(joints[:, NOSE, 1]) == pytest.approx(-0.2, abs=0.1)  # a head above the shoulders
        forward.append(np.mean(joints[:, [3, 6], 2] - joints[:, [4, 7], 2]))
        width = np.linalg.norm(joints[:, 2] - joints[:, 5], axis=-1)
        assert np.median(width[width > 0]) == pytest.approx(1 / 3, abs=1e-6)
    assert min(forward) >= 0
    assert np.mean(forward) > 0.05  # hands are before the elbows


@pytest.mark.realdata
def test_the_nose_from_the_face_is_near_the_real_one(realdata):
    distances = []
    for path in sorted((realdata / "dgs-sentences" / "example").glob("*.pose")):
        pose = read(path)
        pose.header = deepcopy(pose.header)  # the library hands out one header for equal files
        points = {component.name: component.points for component in pose.header.components}
        if "NOSE" in points["POSE_LANDMARKS"]:
            own = landmarks_of(pose)
            points["POSE_LANDMARKS"][points["POSE_LANDMARKS"].index("NOSE")] = "NO_NOSE"
            points["FACE_LANDMARKS"][points["FACE_LANDMARKS"].index("1")] = "no tip"
            found = landmarks_of(pose)
            seen = (own.confidence[:, NOSE] > 0) & (found.confidence[:, NOSE] > 0)
            distance = np.linalg.norm((own.joints - found.joints)[seen, NOSE, :2], axis=-1)
            distances.append(np.median(distance) / shoulder_width(own))
    assert len(distances) >= 5
    assert max(distances) < 0.06  # of the shoulders' width
