"""Broken clips are told and stop nothing; the others are whole."""

import json
import shutil

import numpy as np
import pytest

from signdiff_core import formats
from signdiff_core.prepare.reader import open_frames


@pytest.fixture(params=["folder", "webdataset"])
def result(request, corpus, prepare, tmp_path):
    """Prepare the corpus as a test left it: the report, and the frames."""

    def run(**settings):
        output = tmp_path / "set"
        report = prepare(corpus / "videos", corpus / "poses", output, layout=request.param, **settings)
        return report, open_frames(output)

    return run


def clips_of(frames):
    return sorted({row.pose_id for row in frames.rows})


def test_a_video_without_content(result, corpus):
    (corpus / "videos" / "b.mp4").write_bytes(b"")
    report, frames = result()
    assert clips_of(frames) == ["a", "c"]
    [(name, reason)] = report.left_out
    assert name == "b"
    assert "b.mp4: expected a video" in reason
    log = (frames.root / "failures.log").read_text()
    assert "Traceback" in log
    assert "VideoError" in log


def test_a_video_that_ends_in_the_middle_of_a_frame(result, corpus, studio):
    path = corpus / "videos" / "b.mp4"
    studio.write(path, studio.figure(60))
    shutil.rmtree(corpus / "poses" / "b")
    formats.write(studio.pixel_pose(studio.figure(60)), corpus / "poses" / "b", format="openpose")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    report, frames = result()
    assert clips_of(frames) == ["a", "c"]
    assert report.left_out[0][0] == "b"
    assert len(frames) == 26
    for index in range(26):
        assert frames.image(index, 64).shape == (64, 64, 3)


def test_truncated_json(result, corpus):
    file = sorted((corpus / "poses" / "b").iterdir())[5]
    file.write_bytes(file.read_bytes()[:200])
    report, frames = result()
    assert clips_of(frames) == ["a", "c"]
    assert file.name in report.left_out[0][1]
    assert "expected JSON" in report.left_out[0][1]


def test_a_missing_pose(result, corpus):
    (corpus / "poses" / "a.pose").unlink()
    report, frames = result()
    assert clips_of(frames) == ["b", "c"]
    assert report.left_out == [("a", "video without pose")]
    assert not (frames.root / "failures.log").exists()


def test_a_pose_that_is_a_few_frames_shorter_or_longer(result, corpus, studio):
    formats.write(studio.pixel_pose(studio.figure(8)), corpus / "poses" / "a.pose")
    shutil.rmtree(corpus / "poses" / "b")
    formats.write(studio.pixel_pose(studio.figure(20)), corpus / "poses" / "b", format="openpose")
    report, frames = result()
    assert report.left_out == []
    assert report.left_out_frames["no pose"] == 4
    assert [row.frame for row in frames.rows if row.pose_id == "a"] == list(range(8))
    assert [row.frame for row in frames.rows if row.pose_id == "b"] == list(range(13))
    told = [json.loads(line) for line in (frames.root / "clips.jsonl").read_text().splitlines()]
    assert told[0]["left_out_frames"] == {"no pose": "8-11"}


def test_a_pose_of_another_clip(result, corpus, studio):
    formats.write(studio.pixel_pose(studio.figure(50)), corpus / "poses" / "a.pose")
    report, frames = result()
    assert clips_of(frames) == ["b", "c"]
    assert "the pose must be as long as the video, 12 frames in 0.5 s, but has 50 frames" in report.left_out[0][1]


def test_a_video_with_twice_the_frames_of_its_pose(result, corpus, studio):
    joints = studio.figure(12)
    studio.write(corpus / "videos" / "a.mp4", np.repeat(joints, 2, axis=0), fps=2 * studio.fps)
    formats.write(studio.pixel_pose(joints), corpus / "poses" / "a.pose")
    report, frames = result()
    assert report.left_out == []
    rows = [index for index, row in enumerate(frames.rows) if row.pose_id == "a"]
    assert report.left_out_frames["no pose"] == 1, "the last frame is nearer to one after the end"
    height = [float(frames.joints(index)[4, 1]) for index in rows]
    expected = [joints[int(frame / 2 + 0.5), 4, 1] for frame in range(23)]
    assert np.diff(height) == pytest.approx(np.diff(expected), abs=1e-5)


def test_frames_with_too_little_confidence(result, corpus, studio):
    confidence = np.ones((12, 50), dtype=np.float32)
    confidence[2:5, 29:50] = 0.15  # the right hand
    confidence[7, 1] = 0.05  # the neck
    confidence[9] = 0
    confidence[10, 10] = 0
    formats.write(studio.pixel_pose(studio.figure(12), confidence=confidence), corpus / "poses" / "a.pose")
    report, frames = result()
    assert report.left_out_frames == {"no pose": 1, "body": 1, "elsewhere": 0, "hands": 3}
    assert [row.frame for row in frames.rows if row.pose_id == "a"] == [0, 1, 5, 6, 8, 10, 11]
    absent = ~np.isfinite(frames.joints(5)).all(axis=1)
    assert np.flatnonzero(absent).tolist() == [10]


def test_a_clip_of_which_nothing_is_left(result, corpus, studio):
    confidence = np.ones((12, 50), dtype=np.float32)
    confidence[:, 29:50] = 0
    formats.write(studio.pixel_pose(studio.figure(12), confidence=confidence), corpus / "poses" / "a.pose")
    report, frames = result()
    assert clips_of(frames) == ["b", "c"]
    assert report.left_out == [("a", "no frame is left: {'hands': 12}")]


def test_a_signer_at_the_edge_of_the_picture(result, corpus, studio):
    joints = np.add(studio.figure(12), (0.7, 0, 0))
    studio.write(corpus / "videos" / "a.mp4", joints)
    formats.write(studio.pixel_pose(joints), corpus / "poses" / "a.pose")
    report, _ = result()
    assert "at most 25% of the square around the signer may lie outside the picture" in report.left_out[0][1]


def test_nothing_but_broken_clips_is_an_error_and_no_set(corpus, prepare, tmp_path):
    for path in (corpus / "videos").rglob("*.mp4"):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="some frame of some clip must be left"):
        prepare(corpus / "videos", corpus / "poses", tmp_path / "set")
    assert not (tmp_path / "set").exists()
