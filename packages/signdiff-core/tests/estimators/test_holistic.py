"""MediaPipe Holistic, beside what `pose_format` makes of the same frames with it."""

from itertools import islice

import numpy as np
import pytest
from pose_format import Pose

from signdiff_core import formats
from signdiff_core.estimators import estimate_video
from signdiff_core.estimators.holistic import HolisticEstimator
from signdiff_core.video import probe, read_video, write_video

pytest.importorskip("mediapipe", reason="needs MediaPipe")

FRAMES = 6


@pytest.fixture
def clip(realdata):
    path = realdata / "pose-format-samples" / "test_video.mp4"
    return list(islice(read_video(path), FRAMES)), probe(path).fps


@pytest.fixture
def theirs(clip):
    from pose_format.utils.holistic import load_holistic

    frames, fps = clip
    height, width = frames[0].shape[:2]
    config = {"model_complexity": 1, "refine_face_landmarks": True}
    return load_holistic(iter(frames), fps, width, height, additional_holistic_config=config, reuse=False)


@pytest.mark.realdata
def test_a_pose_equals_what_pose_format_writes(clip, theirs, tmp_path):
    frames, fps = clip
    write_video(tmp_path / "a.mp4", frames, fps, crf=0)
    ours = estimate_video(tmp_path / "a.mp4")
    parts = [(each.name, each.points, each.limbs, each.format) for each in ours.pose.header.components]
    assert parts == [(each.name, each.points, each.limbs, each.format) for each in theirs.header.components]
    assert vars(ours.pose.header.dimensions) == vars(theirs.header.dimensions)
    assert ours.pose.body.fps == pytest.approx(theirs.body.fps)
    # The video's colours are rounded; of the same frames the poses are the same to the bit.
    found = [people[0] for people in HolisticEstimator().estimate(frames)]
    assert np.array_equal(
        np.stack([points for points, _ in found]), theirs.body.data[:, 0].filled(0).astype(np.float32)
    )
    assert np.array_equal(np.stack([seen for _, seen in found]), theirs.body.confidence[:, 0].astype(np.float32))
    apart = np.abs(ours.pose.body.data[:, 0, :33, :2] - theirs.body.data[:, 0, :33, :2])
    assert np.median(apart) < 2


@pytest.mark.realdata
def test_pose_format_reads_what_was_written(clip, tmp_path):
    frames, fps = clip
    write_video(tmp_path / "a.mp4", frames[:2], fps)
    found = estimate_video(tmp_path / "a.mp4")
    formats.write(found.pose, tmp_path / "a.pose")
    read = Pose.read((tmp_path / "a.pose").read_bytes())
    assert np.array_equal(read.body.data.filled(0), found.pose.body.data.filled(0))
    assert len(read.get_components(["FACE_LANDMARKS"]).header.components[0].points) == 478


def test_a_grey_picture_shows_nobody():
    grey = np.full((64, 96, 3), 128, np.uint8)
    assert list(HolisticEstimator().estimate([grey, grey])) == [[], []]


@pytest.mark.realdata
def test_large_pictures_are_found_in_their_own_pixels(realdata):
    import cv2

    frame = next(read_video(realdata / "pose-format-samples" / "test_video.mp4"))
    large = cv2.resize(frame, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    ((small_points, _),), ((large_points, _),) = (next(HolisticEstimator().estimate([f])) for f in (frame, large))
    shoulders = small_points[[11, 12], :2]
    assert np.abs(large_points[[11, 12], :2] / 4 - shoulders).max() < 0.03 * np.ptp(shoulders[:, 0])
