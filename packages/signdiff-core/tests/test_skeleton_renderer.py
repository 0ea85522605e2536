import numpy as np
import pytest

from signdiff_core.camera import Camera
from signdiff_core.skeleton import BODY_HANDS_FACE, make_pose
from signdiff_core.skeleton_renderer import SkeletonRenderer


def test_one_frame_for_each_frame_of_the_pose(pose):
    frames = list(SkeletonRenderer().render(pose))
    assert [(frame.shape, frame.dtype) for frame in frames] == [((512, 512, 3), np.uint8)] * 4
    assert not np.array_equal(frames[0], frames[-1])


def test_frames_come_one_at_a_time(pose):
    long = make_pose(np.repeat(np.asarray(pose.body.data[:1, 0]), 100_000, axis=0), 25)
    assert next(iter(SkeletonRenderer().render(long, size=64))).shape == (64, 64, 3)


def test_drawing_begins_at_any_frame(pose):
    every = list(SkeletonRenderer().render(pose, size=64))
    for start in (0, 1, 3, 4, 9):
        assert np.array_equal(list(SkeletonRenderer().render(pose, size=64, start=start)), every[start:])
    with pytest.raises(ValueError, match="start must be at least 0, but is -1"):
        SkeletonRenderer().render(pose, start=-1)


def test_joints_lie_where_the_camera_says(pose):
    joints = np.asarray(pose.body.data[0, 0])
    frame = next(iter(SkeletonRenderer().render(pose, size=512)))
    for elbow in (3, 6):
        x, y = Camera().project(joints[elbow], 512).round().astype(int)
        assert frame[y, x].tolist() == [71, 85, 105]


def test_absent_joints_leave_their_limbs_out(pose):
    confidence = np.ones((4, 50))
    confidence[:, 6:29] = 0
    joints = np.asarray(pose.body.data[:, 0])
    whole, part = (
        next(iter(SkeletonRenderer().render(p, size=256))) for p in (pose, make_pose(joints, 25, confidence=confidence))
    )
    x, y = Camera().project((joints[0, 6] + joints[0, 7]) / 2, 256).round().astype(int)
    assert whole[y, x].max() < 150 < part[y, x].min()


def test_a_pose_without_anybody_is_refused():
    with pytest.raises(ValueError, match="pose must show somebody"):
        SkeletonRenderer().render(make_pose(np.zeros((2, 50, 3)), 25, confidence=np.zeros((2, 50))), size=64)


@pytest.mark.parametrize("size", [0, 8, 100_000])
def test_bad_size_is_refused_at_once(pose, size):
    with pytest.raises(ValueError, match="size"):
        SkeletonRenderer().render(pose, size=size)


def with_face(pose, face, confidence):
    """A pose with points of the face by number, (x, y) from the nose."""
    joints = np.concatenate([np.asarray(pose.body.data[:, 0]), np.zeros((4, 74, 3))], axis=1)
    sure = np.concatenate([np.ones((4, 50)), np.zeros((4, 74))], axis=1)
    for joint, place in face.items():
        joints[:, joint, :2], sure[:, joint] = joints[:, 0, :2] + place, confidence
    return BODY_HANDS_FACE.make_pose(joints, 25, confidence=sure)


def frames(pose, **options):
    return np.stack(list(SkeletonRenderer().render(pose, size=512, **options)))


MOUTH = {54 + point: (0.002 * (point - 57), 0.05) for point in range(48, 68)}
EYES = {50: (-0.03, -0.03), 51: (0.03, -0.03)}


def test_a_face_is_drawn_on_the_head(pose):
    plain, faced = frames(pose), frames(with_face(pose, MOUTH, 1.0))
    changed = (plain != faced).any(axis=-1)
    x, y = Camera().project(np.add(pose.body.data[0, 0, 0], [0, 0.05, 0]), 512).round().astype(int)
    assert faced[0, y, x].min() > 230 > 150 > plain[0, y, x].max()
    rows, columns = np.nonzero(changed[0])
    assert np.abs(rows - y).max() < 4
    assert np.abs(columns - x).max() < 512 * 1.2 * 0.03


def test_eyes_are_dots_where_no_face_has_their_outlines(pose):
    faced = frames(with_face(pose, EYES, 1.0))
    for place in EYES.values():
        x, y = Camera().project(np.add(pose.body.data[0, 0, 0], [*place, 0]), 512).round().astype(int)
        assert faced[0, y, x].tolist() == [241, 245, 249]


def test_a_pose_whose_face_nobody_saw_is_one_of_the_50_joints(pose):
    np.testing.assert_array_equal(frames(with_face(pose, MOUTH | EYES, 0.0)), frames(pose))
