import numpy as np
import pytest

from signdiff_core import formats
from signdiff_core.skeleton import make_pose


def in_pixels(pose, scale=300.0, neck=(640.0, 200.0)):
    joints = np.asarray(pose.body.data[:, 0], dtype=np.float64)
    joints = np.concatenate([joints[..., :2] * scale + neck, np.zeros_like(joints[..., :1])], axis=-1)
    result = make_pose(joints, 25)
    result.header.dimensions = type(result.header.dimensions)(1280, 720, 0)
    return result


def test_undoes_scale_and_place(pose):
    back = formats.normalised(in_pixels(pose))
    assert np.abs(back.body.data[..., :2] - pose.body.data[..., :2]).max() < 1e-6
    assert formats.is_normalised(back)


def test_normalised_pose_is_passed_on_as_it_is(pose):
    assert formats.normalised(pose) is pose
    assert not formats.is_normalised(in_pixels(pose))


def test_neck_of_the_nearest_frame_stands_in(pose):
    joints = np.asarray(in_pixels(pose).body.data[:, 0])
    confidence = np.ones((4, 50))
    confidence[2, 1] = 0
    result = formats.normalise(joints, confidence)
    expected = (joints[2, 4] - joints[1, 1]) / 300
    assert np.abs(result[2, 4] - expected).max() < 1e-6
    assert (result[2, 1] == 0).all()


@pytest.mark.parametrize("joint", [1, 2, 5])
def test_without_neck_or_shoulders_it_is_refused(pose, joint):
    confidence = np.ones((4, 50))
    confidence[:, joint] = 0
    with pytest.raises(ValueError, match="neck and both shoulders"):
        formats.normalise(np.asarray(pose.body.data[:, 0]), confidence)
