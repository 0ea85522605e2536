import numpy as np
import pytest
from pose_format import Pose
from pose_format.numpy import NumPyPoseBody
from pose_format.pose_header import PoseHeaderDimensions

from signdiff_core import formats
from signdiff_core.formats import FormatError
from signdiff_core.landmarks import landmarks_of
from signdiff_core.skeleton import make_pose, pose_header
from signdiff_core.sources import find_clips, read


def _in_pixels(people, confidence, path):
    header = pose_header()
    header.dimensions = PoseHeaderDimensions(1280, 720, 0)
    positions = np.concatenate([people, np.zeros_like(people[..., :1])], axis=-1).astype(np.float32)
    formats.write(Pose(header, NumPyPoseBody(30, positions, confidence.astype(np.float32))), path)


def test_all_people_of_a_file_are_read(tmp_path):
    rng = np.random.default_rng(0)
    people, confidence = rng.uniform(1, 700, (4, 2, 50, 2)), rng.uniform(0.1, 1, (4, 2, 50))
    confidence[1, 0, 3] = 0
    _in_pixels(people, confidence, tmp_path / "clip.pose")
    clip = read(*find_clips(tmp_path))
    assert (clip.name, clip.fps, clip.size) == ("clip", 30, (1280, 720))
    present = confidence > 0
    assert clip.people[present][:, :2] == pytest.approx(people[present], rel=1e-6)
    assert clip.people[..., 2] == pytest.approx(confidence, rel=1e-6)
    assert not clip.people[1, 0, 3].any()


def test_normalised_poses_need_no_preparation(tmp_path):
    formats.write(make_pose(np.ones((2, 50, 3)), 25), tmp_path / "clip.pose")
    with pytest.raises(FormatError, match=r"clip.pose: expected positions in pixels, but they are normalised"):
        read(*find_clips(tmp_path))


def test_a_file_of_0_bytes(tmp_path):
    (tmp_path / "clip.pose").touch()
    with pytest.raises(FormatError, match=r"clip.pose"):
        read(*find_clips(tmp_path))


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["mediapipe", "openpose"])
def test_real_files_have_the_joints_that_a_corpus_gets(realdata, name):
    path = realdata / "pose-format-samples" / f"{name}.pose"
    joints = landmarks_of(formats.read(path))
    people = read(*find_clips(path)).people
    present = joints.confidence > 0
    assert people.shape[1] == 1
    assert people[:, 0, :, :2][present] == pytest.approx(joints.joints[present][:, :2], rel=1e-6)
    assert np.array_equal(people[:, 0, :, 2] > 0, present)
