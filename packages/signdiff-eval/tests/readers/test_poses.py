import numpy as np
import pytest

from signdiff_eval.readers import PoseFormats, channels_of, sequence_of, wrists_of


def test_takes_joints_names_and_rate(make_pose, walk):
    joints = walk(7, joints=3)
    sequence = sequence_of(make_pose(joints, fps=30.0), "hello.pose")
    assert sequence.joints == pytest.approx(joints, abs=1e-6)
    assert (sequence.name, sequence.fps, sequence.absent) == ("hello.pose", 30.0, 0)
    assert sequence.skeleton == ("BODY.J0", "BODY.J1", "BODY.J2")


def test_fills_absent_joints_between_their_neighbours(make_pose):
    joints = np.zeros((6, 3, 3))
    joints[:, 0, 0] = [0, 10, 20, 30, 40, 50]
    confidence = np.ones((6, 3))
    confidence[[0, 2, 3, 5], 0] = 0
    confidence[:, 2] = 0
    sequence = sequence_of(make_pose(joints, confidence=confidence), "hello.pose")
    assert sequence.joints[:, 0, 0].tolist() == [10, 10, 20, 30, 40, 40]
    assert np.isnan(sequence.joints[:, 2]).all()
    assert sequence.absent == 4 + 6


def test_half_the_rate_is_every_other_frame(make_pose, walk):
    for frames in (1, 2, 7, 8):
        sequence = sequence_of(make_pose(walk(frames, joints=2), fps=25.0), "a.pose")
        halved = sequence.resampled(12.5)
        assert halved.fps == 12.5
        assert halved.joints == pytest.approx(sequence.joints[::2], abs=1e-12)


def test_twice_the_rate_lies_on_straight_lines(make_pose):
    joints = np.zeros((3, 1, 3))
    joints[:, 0, 1] = [0, 4, 2]
    assert sequence_of(make_pose(joints), "a.pose").resampled(50).joints[:, 0, 1].tolist() == [0, 2, 4, 3, 2]


def test_refuses_a_crowd_nobody_and_no_rate(make_pose, walk):
    crowd = make_pose(walk(4, joints=2))
    crowd.body.data = np.ma.concatenate([crowd.body.data] * 2, axis=1)
    with pytest.raises(ValueError, match="hello must show one person, but shows 2"):
        sequence_of(crowd, "hello")
    with pytest.raises(ValueError, match="hello must have at least one frame"):
        sequence_of(make_pose(np.zeros((0, 2, 3))), "hello")
    with pytest.raises(ValueError, match="positive frame rate"):
        sequence_of(make_pose(walk(4, joints=2), fps=0), "hello")


def test_refuses_present_joints_that_are_not_numbers(make_pose, walk):
    joints = walk(4, joints=2)
    joints[1, 1] = np.nan
    with pytest.raises(ValueError, match="hello must be finite"):
        sequence_of(make_pose(joints), "hello")


@pytest.mark.parametrize(
    ("body", "left", "right", "face"),
    [
        ("BODY", "LEFT_HAND", "RIGHT_HAND", "FACE"),
        ("POSE_LANDMARKS", "LEFT_HAND_LANDMARKS", "RIGHT_HAND_LANDMARKS", "FACE_LANDMARKS"),
        ("pose_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d", "face_keypoints_2d"),
    ],
)
def test_knows_the_names_of_the_formats(body, left, right, face):
    skeleton = [f"{body}.Nose", f"{right}.WRIST", f"{face}.1", f"{body}.LEFT_WRIST", f"{left}.WRIST"]
    assert channels_of(skeleton) == {"body": [0, 3], "left_hand": [4], "right_hand": [1], "face": [2]}


def test_eyes_and_ears_of_their_own_are_the_face_s():
    assert channels_of(["BODY.NOSE", "HEAD.LEFT_EYE", "FACE.FACE_0"]) == {"body": [0], "face": [1, 2]}


def test_world_landmarks_are_not_the_body_twice():
    assert channels_of(["POSE_LANDMARKS.NOSE", "POSE_WORLD_LANDMARKS.NOSE"]) == {"body": [0]}


@pytest.mark.parametrize(("left", "right"), [("LWrist", "RWrist"), ("LEFT_WRIST", "RIGHT_WRIST")])
def test_finds_the_wrists(left, right):
    assert wrists_of(["BODY.Nose", f"BODY.{right}", f"BODY.{left}", f"LEFT_HAND.{left}"]) == (2, 1)


def test_a_body_without_wrists_is_an_error():
    with pytest.raises(ValueError, match="lwrist or leftwrist"):
        wrists_of(["BODY.J0", "LEFT_HAND.WRIST"])


@pytest.mark.realdata
@pytest.mark.parametrize(("file", "body"), [("openpose.pose", (25, 70)), ("mediapipe.pose", (8, 128))])
def test_real_files(realdata, file, body):
    [sequence] = PoseFormats({}).read(realdata / "pose-format-samples" / file)
    counts = {name: len(joints) for name, joints in channels_of(sequence.skeleton).items()}
    assert counts == {"body": body[0], "left_hand": 21, "right_hand": 21, "face": body[1]}
    wrists_of(sequence.skeleton)
