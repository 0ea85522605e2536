import struct

import numpy as np
import pytest
from pose_format import Pose

from signdiff_core import formats
from signdiff_core.formats import FormatError
from signdiff_core.skeleton import joints_of, make_pose


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


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), float("inf"), 1e30, 1e-30])
def test_impossible_frame_rate_is_refused(written, tmp_path, fps):
    body = written.index(struct.pack("<fIH", 25.0, 4, 1))
    (tmp_path / "a.pose").write_bytes(written[:body] + struct.pack("<f", fps) + written[body + 4 :])
    with pytest.raises(FormatError, match="positive frame rate"):
        formats.read(tmp_path / "a.pose")


def test_what_is_no_number_is_absent(pose, tmp_path):
    joints, confidence = np.array(pose.body.data[:, 0]), np.ones((4, 50), np.float32)
    joints[2, 30, 1], confidence[1, 8] = np.nan, np.nan
    with (tmp_path / "a.pose").open("wb") as file:
        make_pose(joints, 25, confidence=confidence).write(file)
    found, weights = joints_of(formats.read(tmp_path / "a.pose"))
    assert np.argwhere(weights == 0).tolist() == [[1, 8], [2, 30]]
    present = weights > 0
    assert np.array_equal(found[present], joints.astype(np.float32)[present])


@pytest.mark.parametrize("value", [1e28, -3e38, float("inf")])
def test_numbers_that_no_coordinate_can_be_are_refused(tmp_path, value):
    joints, confidence = np.zeros((4, 50, 3), np.float32), np.ones((4, 50), np.float32)
    joints[2, 30, 1] = value
    with (tmp_path / "a.pose").open("wb") as file:
        make_pose(joints, 25, confidence=confidence).write(file)
    with pytest.raises(
        FormatError, match=r"a\.pose, frame 2: expected coordinates .* joint 30 \(RIGHT_HAND THUMB_CMC\)"
    ):
        formats.read(tmp_path / "a.pose")
    # What is absent is not looked at.
    confidence[2, 30] = 0
    with (tmp_path / "a.pose").open("wb") as file:
        make_pose(joints, 25, confidence=confidence).write(file)
    assert len(formats.read(tmp_path / "a.pose").body.data) == 4
    joints[2, 30, 1], confidence[1, 7] = 0, value
    with (tmp_path / "a.pose").open("wb") as file:
        make_pose(joints, 25, confidence=confidence).write(file)
    with pytest.raises(FormatError, match=r"a\.pose, frame 1: expected confidences .* joint 7 "):
        formats.read(tmp_path / "a.pose")


def test_old_version_cannot_stand_for_more_than_memory_holds(tmp_path):
    # Version 0.0: a frame without a person takes two bytes, and becomes zeros of all points.
    text = b"\x01\x00A" + b"\x04\x00XYZC" + struct.pack("<HHH", 60_000, 0, 0) + b"\x00\x00" * 60_000
    content = struct.pack("<fHHHH", 0.0, 9, 9, 9, 1) + text + struct.pack("<HH", 25, 65535) + b"\x00\x00" * 65535
    (tmp_path / "old.pose").write_bytes(content)
    with pytest.raises(FormatError, match=r"old\.pose, body: expected at most .* 65535 frames of 240000"):
        formats.read(tmp_path / "old.pose")


@pytest.mark.parametrize("cut", [0, 3])
def test_version_without_the_number_of_frames_may_not_end_in_the_middle_of_one(written, tmp_path, cut):
    body = written.index(struct.pack("<fIH", 25.0, 4, 1))
    old = struct.pack("<f", 0.1) + written[4:body] + struct.pack("<HHH", 25, 4, 1) + written[body + 10 :]
    (tmp_path / "old.pose").write_bytes(old[: len(old) - cut])
    if cut == 0:
        assert formats.read(tmp_path / "old.pose").body.data.shape == (4, 1, 50, 3)
    else:
        with pytest.raises(FormatError, match=r"old\.pose, byte .*: expected whole frames of 800 bytes"):
            formats.read(tmp_path / "old.pose")


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
