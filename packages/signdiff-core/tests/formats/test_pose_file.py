import struct

import numpy as np
import pytest
from pose_format import Pose

from signdiff_core import formats
from signdiff_core.formats import FormatError
from signdiff_core.skeleton import make_pose


@pytest.fixture
def written(pose, tmp_path):
    formats.write(pose, tmp_path / "a.pose")
    return (tmp_path / "a.pose").read_bytes()


def test_round_trip_to_the_last_bit(tmp_path):
    random = np.random.default_rng(0)
    joints, confidence = random.normal(size=(7, 50, 3)).astype(np.float32), random.random((7, 50)).astype(np.float32)
    formats.write(make_pose(joints, 29.97, confidence=confidence), tmp_path / "a.pose")
    back = formats.read(tmp_path / "a.pose")
    assert np.array_equal(back.body.data[:, 0], joints)
    assert np.array_equal(back.body.confidence[:, 0], confidence)
    assert back.body.fps == np.float32(29.97)
    assert formats.is_normalised(back)


def test_file_is_one_that_pose_format_reads(pose, written):
    assert np.array_equal(Pose.read(written).body.data, pose.body.data)


def test_every_cut_is_an_error_that_names_the_file(written, tmp_path):
    broken = tmp_path / "broken.pose"
    for length in [0, 1, 3, 7, 10, 20, 50, 200, 500, 900, *range(1000, len(written), 397), len(written) - 1]:
        broken.write_bytes(written[:length])
        with pytest.raises(FormatError, match=r"broken\.pose"):
            formats.read(broken)


def test_noise_is_an_error(written, tmp_path):
    random = np.random.default_rng(0)
    broken = tmp_path / "broken.pose"
    for size in (10, 100, 5000):
        broken.write_bytes(random.bytes(size))
        with pytest.raises(FormatError, match=r"broken\.pose"):
            formats.read(broken)


def test_header_that_announces_too_much_is_refused_before_it_is_believed(written, tmp_path, pose):
    body = written.index(struct.pack("<fIH", 25.0, 4, 1))
    for frames, people in ((2**32 - 1, 65535), (5, 1), (3, 1)):
        changed = written[:body] + struct.pack("<fIH", 25.0, frames, people) + written[body + 10 :]
        (tmp_path / "big.pose").write_bytes(changed)
        with pytest.raises(FormatError, match=rf"big\.pose, byte {body}: expected .*{frames} frames, {people} people"):
            formats.read(tmp_path / "big.pose")


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_frame_rate_is_refused(written, tmp_path, fps):
    body = written.index(struct.pack("<fIH", 25.0, 4, 1))
    (tmp_path / "a.pose").write_bytes(written[:body] + struct.pack("<f", fps) + written[body + 4 :])
    with pytest.raises(FormatError, match="positive frame rate"):
        formats.read(tmp_path / "a.pose")


def test_pose_without_a_frame_is_refused(tmp_path):
    with (tmp_path / "a.pose").open("wb") as file:
        make_pose(np.zeros((0, 50, 3)), 25).write(file)
    with pytest.raises(FormatError, match="0 frames"):
        formats.read(tmp_path / "a.pose")


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["mediapipe", "openpose"])
def test_other_skeletons_are_read_as_they_are(realdata, name):
    path = realdata / "pose-format-samples" / f"{name}.pose"
    reference = Pose.read(path.read_bytes())
    ours = formats.read(path)
    assert np.array_equal(ours.body.data.filled(0), reference.body.data.filled(0))
    with pytest.raises(ValueError, match="must have the components BODY"):
        formats.normalised(ours)
