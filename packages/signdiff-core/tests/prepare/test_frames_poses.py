"""Poses of all kinds come out in pixels of their video."""

import numpy as np
import pytest
from pose_format import Pose
from pose_format.numpy import NumPyPoseBody

from signdiff_core import formats
from signdiff_core.prepare.signer import read_pixels
from signdiff_core.skeleton import HAND_JOINTS, Component, make_header, make_pose, wrap
from signdiff_core.video import VideoInfo


def video(width=192, height=160, fps=25.0):
    return VideoInfo(
        width=width, height=height, fps=fps, frames=4, seconds=4 / fps, codec="h264", pixel_format="yuv420p"
    )


@pytest.fixture
def joints(studio):
    return studio.figure(4)


def test_a_pose_in_pixels_keeps_its_place(studio, joints, tmp_path):
    confidence = np.full((4, 50), 0.8, dtype=np.float32)
    confidence[2, 3] = 0
    for name in ("clip.pose", "clip"):
        formats.write(studio.pixel_pose(joints, 30, confidence=confidence), tmp_path / name)
        seen = read_pixels(tmp_path / name, video())
        present = seen.confidence > 0
        assert np.array_equal(present, confidence > 0)
        assert seen.points[present] == pytest.approx(studio.in_pixels(joints)[present], abs=1e-3)
        assert seen.confidence[present] == pytest.approx(0.8, abs=1e-3)
        assert seen.fps == (30 if name == "clip.pose" else 25), "JSON does not tell its rate"


def test_a_pose_found_in_a_smaller_picture_is_brought_to_the_video(studio, joints, tmp_path):
    formats.write(studio.pixel_pose(joints), tmp_path / "clip.pose")
    seen = read_pixels(tmp_path / "clip.pose", video(width=384, height=320))
    assert seen.points == pytest.approx(2 * studio.in_pixels(joints), abs=1e-3)
    with pytest.raises(formats.FormatError, match="of a picture of 384x160, but it is of 192x160"):
        read_pixels(tmp_path / "clip.pose", video(width=384))


def test_json_of_a_larger_picture_is_refused(studio, joints, tmp_path):
    formats.write(studio.pixel_pose(joints * 10), tmp_path / "clip", format="openpose")
    with pytest.raises(formats.FormatError, match="in a picture of 192x160, but they reach"):
        read_pixels(tmp_path / "clip", video())


def test_normalised_poses_do_not_tell_where_the_signer_is(joints, tmp_path):
    formats.write(make_pose(joints, 25), tmp_path / "clip.pose")
    with pytest.raises(formats.FormatError, match="in pixels of the video, but they are normalised"):
        read_pixels(tmp_path / "clip.pose", video())


def test_mediapipe_holistic_is_read(studio, joints, tmp_path):
    points = np.concatenate([studio.in_pixels(joints), np.zeros((4, 50, 1))], axis=-1)
    body = ("NOSE", "RIGHT_SHOULDER", "RIGHT_ELBOW", "RIGHT_WRIST", "LEFT_SHOULDER", "LEFT_ELBOW", "LEFT_WRIST")
    header = make_header(
        [
            Component(name="POSE_LANDMARKS", joints=body),
            Component(name="LEFT_HAND_LANDMARKS", joints=HAND_JOINTS),
            Component(name="RIGHT_HAND_LANDMARKS", joints=HAND_JOINTS),
        ]
    )
    kept = [0, 2, 3, 4, 5, 6, 7, *range(8, 50)]
    confidence = np.ones((4, 49), dtype=np.float32)
    confidence[1, 7:28] = 0  # the left hand
    pose = wrap(points[:, kept], 25, header, confidence)
    pose.header.dimensions = type(pose.header.dimensions)(192, 160, 0)
    formats.write(pose, tmp_path / "clip.pose")
    seen = read_pixels(tmp_path / "clip.pose", video())
    assert not seen.confidence[1, 8:29].any()
    expected = studio.in_pixels(joints)
    expected[:, 1] = expected[:, [2, 5]].mean(axis=1)
    present = seen.confidence > 0
    assert present.sum() == 4 * 50 - 21
    assert seen.points[present] == pytest.approx(expected[present], abs=1e-3)


def test_openpose_as_pose_format_stores_it_is_read(studio, joints, tmp_path):
    parts = (("pose_keypoints_2d", 25), ("face_keypoints_2d", 70), ("hand_left_keypoints_2d", 21))
    parts = (*parts, ("hand_right_keypoints_2d", 21))
    header = make_header([Component(name=name, joints=tuple(map(str, range(count)))) for name, count in parts])
    points, confidence = np.zeros((4, 137, 3)), np.zeros((4, 137), dtype=np.float32)
    kept = [*range(8), *range(95, 137)]
    points[:, kept, :2], confidence[:, kept] = studio.in_pixels(joints), 0.7
    pose = wrap(points, 25, header, confidence)
    pose.header.dimensions = type(pose.header.dimensions)(192, 160, 0)
    formats.write(pose, tmp_path / "clip.pose")
    seen = read_pixels(tmp_path / "clip.pose", video())
    assert seen.points == pytest.approx(studio.in_pixels(joints), abs=1e-3)
    assert seen.confidence == pytest.approx(0.7)


def test_of_several_people_the_most_confident_is_kept(studio, joints, tmp_path):
    sure, unsure = (studio.pixel_pose(joints, confidence=np.full((4, 50), c, np.float32)) for c in (0.9, 0.4))
    data = np.ma.concatenate([unsure.body.data, sure.body.data + 7], axis=1)
    confidence = np.concatenate([unsure.body.confidence, sure.body.confidence], axis=1)
    formats.write(Pose(sure.header, NumPyPoseBody(25, data, confidence)), tmp_path / "clip.pose")
    seen = read_pixels(tmp_path / "clip.pose", video())
    assert seen.points == pytest.approx(studio.in_pixels(joints) + 7, abs=1e-3)


def test_what_a_reader_leaves_out_becomes_a_note(studio, joints, tmp_path, recwarn):
    import json

    formats.write(studio.pixel_pose(joints), tmp_path / "clip", format="openpose")
    for file in (tmp_path / "clip").iterdir():
        content = json.loads(file.read_text())
        content["people"] *= 2
        file.write_text(json.dumps(content))
    assert "4 detections of other people were left out of 4 frames" in read_pixels(tmp_path / "clip", video()).notes[0]
    assert not recwarn.list
