"""Sets that keep eyes, ears and face, beside sets of the 50 joints."""

import json

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from signdiff_core import formats
from signdiff_core.camera import Camera
from signdiff_core.cli import run as run_command
from signdiff_core.prepare.reader import FrameFolder, SomeFrames, open_frames
from signdiff_core.skeleton import BODY_HANDS_FACE


@pytest.fixture
def faced(corpus, studio):
    """The clips, "a" with a face whose mouth moves, "b" with one that is lost in two frames; "c" shows none."""
    joints = {name: studio.figure(count, sway=0.01) for name, count in (("a", 12), ("b", 13))}
    for name, body in joints.items():
        frames, step = len(body), np.arange(74)[:, None] * (1, 1, 0)
        face = body[:, :1] + (-0.05, -0.08, 0) + 0.0015 * step
        face[:, 62:, 1] += np.linspace(0, 0.02, frames)[:, None]
        whole = np.concatenate([body, face], axis=1)
        points = np.concatenate([studio.in_pixels(whole), np.zeros_like(whole[..., :1])], axis=-1)
        confidence = np.ones(whole.shape[:2])
        if name == "b":
            confidence[3:5, 50:] = 0.05
        pose = BODY_HANDS_FACE.make_pose(points.astype(np.float32), studio.fps, confidence=confidence)
        pose.header.dimensions = type(pose.header.dimensions)(*studio.size, 0)
        formats.write(pose, corpus / "poses" / f"{name}.pose", format="pose")
        joints[name] = whole
    for path in (corpus / "poses" / "b").glob("*.json"):
        path.unlink()
    (corpus / "poses" / "b").rmdir()
    return corpus, joints


@pytest.mark.parametrize("layout", ["folder", "webdataset"])
def test_faces_are_kept_where_that_is_asked_for(faced, prepare, studio, layout, tmp_path):
    corpus, joints = faced
    videos, poses = corpus / "videos", corpus / "poses"
    report = prepare(videos, poses, tmp_path / "faces", layout=layout, skeleton="body_hands_face")
    assert [(name, reason.split(":")[0]) for name, reason in report.left_out] == [
        ("c", "the pose must show a face in some frame for the skeleton body_hands_face, but shows none.")
    ]
    prepare(videos, poses, tmp_path / "plain", layout=layout)
    frames, plain = open_frames(tmp_path / "faces"), open_frames(tmp_path / "plain")
    assert (len(frames), len(plain)) == (25, 39)
    assert load_file(tmp_path / "faces" / "joints.safetensors")["joints"].shape == (25, 124, 3)
    assert load_file(tmp_path / "plain" / "joints.safetensors")["joints"].shape == (39, 50, 3)
    clips = [json.loads(line) for line in (tmp_path / "faces" / "clips.jsonl").read_text().splitlines()]
    for index in (0, 11, 12, 24):
        row = frames.rows[index]
        assert frames.joints(index).shape == (50, 3) == plain.points(index).shape
        assert np.array_equal(frames.joints(index), plain.joints(index))
        assert np.array_equal(frames.image(index, 64), plain.image(index, 64))
        left, top, side = next(clip["square"] for clip in clips if clip["name"] == row.pose_id)
        expected = (studio.in_pixels(joints[row.pose_id][row.frame]) - (left, top)) * 64 / side
        assert Camera().project(frames.points(index), 64) == pytest.approx(expected, abs=0.02)
    lost = np.isnan(frames.points(12 + 3)).any(axis=1)
    assert lost.tolist() == [False] * 50 + [True] * 74
    assert np.array_equal(SomeFrames(frames, 5).points(1), frames.points(5))
    if layout == "folder":
        assert np.array_equal(FrameFolder(tmp_path / "faces").points(7), frames.points(7))


def test_the_preview_shows_the_face(faced, prepare, tmp_path):
    corpus, _ = faced
    (corpus / "poses" / "c").rename(corpus / "c")
    for skeleton in ("openpose50", "body_hands_face"):
        prepare(corpus / "videos", corpus / "poses", tmp_path / skeleton, skeleton=skeleton)
    sheets = [np.asarray(Image.open(tmp_path / name / "preview.png")) for name in ("openpose50", "body_hands_face")]
    white = [(sheet[256:512, :256] > 220).all(axis=-1).sum() for sheet in sheets]
    assert white[1] > white[0] + 50


def test_the_command_keeps_faces_and_knows_sets_of_earlier_versions(faced, annotator, capsys, tmp_path):
    corpus, _ = faced
    line = ["prepare-frames", str(corpus / "videos"), str(corpus / "poses"), "--size", "64", "--workers", "1"]
    assert run_command([*line, "-o", str(tmp_path / "faces"), "--skeleton", "body_hands_face"]) == 0
    assert len(open_frames(tmp_path / "faces").points(0)) == 124
    assert run_command([*line, "-o", str(tmp_path / "plain")]) == 0
    manifest = json.loads((tmp_path / "plain" / "manifest.json").read_text())
    assert manifest["settings"].pop("skeleton") == "openpose50"
    (tmp_path / "plain" / "manifest.json").write_text(json.dumps(manifest))
    capsys.readouterr()
    assert run_command([*line, "-o", str(tmp_path / "plain")]) == 0
    assert f"{tmp_path}/plain is finished: it was made of the same inputs" in capsys.readouterr().out
    assert run_command([*line, "-o", str(tmp_path / "plain"), "--skeleton", "body_hands_face"]) != 0
    assert "skeleton was openpose50 and is body_hands_face" in capsys.readouterr().err
