import pytest

from signdiff_eval.readers import PoseFormats, channels_of, wrists_of


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
    assert channels_of(skeleton) == {"body": [0, 3], "left_hand": [4], "right_hand": [1]}


def test_world_landmarks_are_not_the_body_twice():
    assert channels_of(["POSE_LANDMARKS.NOSE", "POSE_WORLD_LANDMARKS.NOSE"]) == {"body": [0]}


@pytest.mark.parametrize(("left", "right"), [("LWrist", "RWrist"), ("LEFT_WRIST", "RIGHT_WRIST")])
def test_finds_the_wrists(left, right):
    assert wrists_of(["BODY.Nose", f"BODY.{right}", f"BODY.{left}", f"LEFT_HAND.{left}"]) == (2, 1)


def test_a_body_without_wrists_is_an_error():
    with pytest.raises(ValueError, match="lwrist or leftwrist"):
        wrists_of(["BODY.J0", "LEFT_HAND.WRIST"])


@pytest.mark.realdata
@pytest.mark.parametrize(("file", "body"), [("openpose.pose", 25), ("mediapipe.pose", 8)])
def test_real_files(realdata, file, body):
    [sequence] = PoseFormats({}).read(realdata / "pose-format-samples" / file)
    counts = {name: len(joints) for name, joints in channels_of(sequence.skeleton).items()}
    assert counts == {"body": body, "left_hand": 21, "right_hand": 21}
    wrists_of(sequence.skeleton)
