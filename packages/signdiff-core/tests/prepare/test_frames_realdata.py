"""Real clips: OpenPose's JSON of How2Sign against the drawings that OpenPose itself made of it."""

import json

import numpy as np
import pytest

from signdiff_core import formats
from signdiff_core.camera import Camera
from signdiff_core.prepare.reader import open_frames
from signdiff_core.prepare.signer import Square
from signdiff_core.skeleton import joints_of
from signdiff_core.video import read_video

pytestmark = pytest.mark.realdata


@pytest.fixture
def how2sign(realdata, prepare, tmp_path):
    source = realdata / "how2sign-openpose"
    report = prepare(source / "render", source / "json", tmp_path / "set", size=512, image_format="jpg")
    clips = [json.loads(line) for line in (tmp_path / "set" / "clips.jsonl").read_text().splitlines()]
    return source, report, open_frames(tmp_path / "set"), {clip["name"]: clip for clip in clips}


def test_drawings_lie_on_what_openpose_drew(how2sign):
    _, report, frames, _ = how2sign
    assert report.frames + sum(report.left_out_frames.values()) == 157 + 146
    on, beside = [], []
    for index in range(0, len(frames), 10):
        bright = frames.image(index, 512).max(axis=2) > 60
        joints = frames.joints(index)
        shown = Camera().project(joints[np.isfinite(joints).all(axis=1)][:8], 512)
        shown = shown[((shown >= 0) & (shown < 500)).all(axis=1)].astype(int)
        on += bright[shown[:, 1], shown[:, 0]].tolist()
        beside += bright[shown[:, 1], np.minimum(shown[:, 0] + 12, 511)].tolist()
    assert len(on) > 100
    assert np.mean(on) > 0.98
    assert np.mean(beside) < 0.7


def test_the_places_of_joints_are_openposes(how2sign):
    source, _, frames, clips = how2sign
    errors = []
    for name, clip in clips.items():
        points, _ = joints_of(formats.read(source / "json" / name))
        left, top, side = clip["square"]
        for index, row in enumerate(frames.rows):
            if row.pose_id == name:
                shown = Camera().project(frames.joints(index), 512)
                expected = (points[row.frame, :, :2] - (left, top)) * 512 / side
                errors.append(np.linalg.norm(shown - expected, axis=-1)[np.isfinite(shown).all(axis=1)])
    assert np.concatenate(errors).max() < 1e-3


def test_frames_are_the_videos(realdata, how2sign):
    source, _, frames, clips = how2sign
    name = "_2FBDaOPYig_2-3-rgb_front"
    pictures = list(read_video(source / "render" / f"{name}.mp4"))
    left, top, side = clips[name]["square"]
    square = Square(left=left, top=top, side=side)
    for index, row in enumerate(frames.rows[:60:12]):
        expected = square.cut(pictures[row.frame], 512).astype(int)
        assert np.abs(frames.image(index * 12, 512) - expected).mean() < 2
