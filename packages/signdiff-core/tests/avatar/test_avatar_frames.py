"""The command that writes training frames."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("warp", reason="the extra avatar brings warp-lang")

from PIL import Image
from pose_format import Pose
from safetensors.numpy import load_file

from signdiff_core.avatar import AvatarBody, Motion, face_points
from signdiff_core.avatar.frames import is_held_out, main
from signdiff_core.camera import Camera
from signdiff_core.prepare.reader import FrameFolder
from signdiff_core.provenance import mark_generated, read_mark
from signdiff_core.skeleton import BODY_HANDS_FACE, make_pose


@pytest.fixture
def poses(tmp_path, pose):
    folder = tmp_path / "poses"
    folder.mkdir()
    for name in ("one", "two"):
        with (folder / f"{name}.pose").open("wb") as file:
            pose.write(file)
    return folder


def run(poses, out, *more):
    return main(["--poses", str(poses), "-o", str(out), "--frames", "10", "--size", "32", "--seed", "3", *more])


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_without_warp_one_line_says_what_brings_it(poses, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "warp", None)
    with pytest.raises(SystemExit) as ended:
        run(poses, tmp_path / "out")
    assert ended.value.code == 1
    told = 'error: drawing signers needs warp: python -m pip install "signdiff-core[avatar]"\n'
    assert capsys.readouterr().err == f"python -m signdiff_core.avatar.frames: {told}"
    assert not (tmp_path / "out").exists()


def test_rows_name_what_is_there(poses, tmp_path, capsys):
    assert run(poses, tmp_path / "out") == 0
    assert json.loads(capsys.readouterr().out)["frames"] == 10
    rows = [json.loads(line) for line in (tmp_path / "out" / "metadata.jsonl").read_text().splitlines()]
    joints = load_file(tmp_path / "out" / "joints.safetensors")["joints"]
    assert joints.shape == (10, 50, 3)
    assert [row["joints"] for row in rows] == list(range(10))
    assert {row["pose_id"] for row in rows} == {"one", "two"}
    for row in rows:
        frame = Image.open(tmp_path / "out" / row["file_name"])
        neutral = Image.open(tmp_path / "out" / row["neutral_file_name"])
        assert (frame.mode, frame.size, neutral.mode, neutral.size) == ("RGB", (32, 32), "L", (32, 32))
        assert row["text"].startswith(("a ", "an "))
        assert row["shirt"] in row["text"]
    assert len({row["text"] for row in rows}) == 2, "one signer a clip"
    shoulders = np.linalg.norm(joints[:, 2] - joints[:, 5], axis=1)
    np.testing.assert_allclose(shoulders, 1 / 3, atol=1e-5)


def test_frames_of_marked_poses_are_marked_and_all_may_read_them(poses, tmp_path, capsys):
    mark_generated(poses / "two.pose", "their system")
    assert run(poses, tmp_path / "out") == 0
    assert f"poses are marked as made by their system, and so is {tmp_path}/out." in capsys.readouterr().err
    assert read_mark(tmp_path / "out" / "metadata.jsonl") == {"generator": "their system"}
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "out").rglob("*") if path.is_file()}
    (tmp_path / "new").touch()
    assert modes == {(tmp_path / "new").stat().st_mode & 0o777}


def test_a_run_that_was_stopped_resumes_to_the_same_files(poses, tmp_path, capsys):
    run(poses, tmp_path / "whole")
    run(poses, tmp_path / "cut")
    whole = contents(tmp_path / "whole")
    for name in ("clips/000001.json", "frames/000009.png", "metadata.jsonl", "joints.safetensors"):
        (tmp_path / "cut" / name).unlink()
    run(poses, tmp_path / "cut")
    assert contents(tmp_path / "cut") == whole


def test_sigterm_ends_all_processes_with_one_line_and_the_next_run_makes_the_same_files(poses, tmp_path, capsys):
    run(poses, tmp_path / "whole", "--frames", "24")
    out = tmp_path / "out"
    options = ["--poses", poses, "-o", out, "--frames", "24", "--size", "32", "--seed", "3", "--workers", "2"]
    line = [sys.executable, "-m", "signdiff_core.avatar.frames", *map(str, options)]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        while not list(out.glob("clips/*.json")):
            assert process.poll() is None
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGTERM)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 143
    kept = len(list(out.glob("clips/*.json")))
    assert told == (
        f"signdiff_core.avatar.frames: terminated; {kept} of 3 clips are finished ({out}), and the same command "
        "resumes after them.\n"
    )
    assert not (out / "metadata.jsonl").exists()
    assert [path for path in out.rglob("*") if path.name.startswith(".") or ".part" in path.name] == []
    assert run(poses, out, "--frames", "24", "--workers", "2") == 0
    assert contents(out) == contents(tmp_path / "whole")


def test_arms_move_freely_in_the_share_of_clips_asked_for(poses, tmp_path, capsys):
    for share in ("0", "0.5", "1"):
        assert run(poses, tmp_path / share, "--free-arms", share) == 0
    run(poses, tmp_path / "plain")
    made = {share: load_file(tmp_path / share / "joints.safetensors")["joints"] for share in ("0", "0.5", "1", "plain")}
    assert np.array_equal(made["0"], made["plain"])
    assert not np.allclose(made["1"][:, 4], made["0"][:, 4], atol=0.01)
    with pytest.raises(SystemExit):
        run(poses, tmp_path / "wrong", "--free-arms", "2")
    assert "--free-arms must lie in [0, 1], but is 2.0" in capsys.readouterr().err


def test_signers_stand_elsewhere_and_their_joints_with_them(poses, tmp_path, capsys):
    """What is drawn of the joints, in the default view, lies on the signer in the frame."""
    for share in ("0", "1"):
        assert run(poses, tmp_path / share, "--moved", share, "--signing-arms", "0.5") == 0
    own, moved = (FrameFolder(tmp_path / share) for share in ("0", "1"))
    ways = []
    for index in range(len(own)):
        way = moved.joints(index) - own.joints(index)
        assert np.ptp(way, axis=0).max() < 1e-6, "all joints move alike"
        ways.append(way[0, :2])
        x, y = np.rint(Camera().project(moved.joints(index)[1:2], 32)[0]).astype(int)
        if 2 <= y < 30:  # the neck
            corner, neck = (moved.image(index, 32)[row, column].astype(int) for row, column in ((1, 1), (y, x)))
            assert np.abs(corner - neck).max() > 20
    assert len({tuple(np.round(way, 4)) for way in ways}) > 1
    assert np.ptp(np.array(ways), axis=0).max() < 0.45


def test_arms_sign_in_the_share_of_clips_asked_for(poses, tmp_path, capsys):
    for share in ("0", "1"):
        assert run(poses, tmp_path / share, "--signing-arms", share) == 0
    plain, signing = (joints_in(tmp_path / share) for share in ("0", "1"))
    assert np.abs(plain - signing)[:, 8:].max() > 0.1
    with pytest.raises(SystemExit):
        run(poses, tmp_path / "wrong", "--signing-arms", "0.6", "--free-arms", "0.6")
    assert "--free-arms and --signing-arms must be at most 1 together, but are 1.2" in capsys.readouterr().err


def test_other_arguments_do_not_mix(poses, tmp_path, capsys):
    run(poses, tmp_path / "out")
    with pytest.raises(SystemExit) as stop:
        run(poses, tmp_path / "out", "--seed", "4")
    assert stop.value.code == 2
    assert "holds frames of other arguments (seed was 3 and is 4)" in capsys.readouterr().err


def test_an_empty_folder_is_wrong_use(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        run(tmp_path, tmp_path / "out")
    assert stop.value.code == 2
    assert "--poses must be a folder with .pose files" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_about_the_asked_share_is_held_out():
    held = [is_held_out(f"word-{n}", 0.1) for n in range(2000)]
    assert 0.07 < np.mean(held) < 0.13
    assert not any(is_held_out(f"word-{n}", 0.0) for n in range(50))


@pytest.mark.parametrize("option", ["--held-out", "--free-arms", "--moved"])
@pytest.mark.parametrize("share", ["nan", "1.5"])
def test_a_share_lies_between_0_and_1(option, share, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--poses", str(tmp_path), "-o", str(tmp_path / "out"), option, share])
    assert ended.value.code == 2
    assert f"{option} must lie in [0, 1], but is {share}" in capsys.readouterr().err


def joints_in(folder):
    return load_file(folder / "joints.safetensors")["joints"]


def test_sets_with_faces_hold_those_of_the_drawn_body(poses, tmp_path, capsys):
    run(poses, tmp_path / "plain")
    run(poses, tmp_path / "faces", "--skeleton", "body_hands_face")
    plain, faces = joints_in(tmp_path / "plain"), joints_in(tmp_path / "faces")
    assert faces.shape == (10, 124, 3)
    assert np.array_equal(faces[:, :50], plain), "the poses have no faces, so that heads follow the noses as before"
    for row in map(json.loads, (tmp_path / "faces" / "metadata.jsonl").read_text().splitlines()):
        still = AvatarBody.named(row["body"]).face_rest
        points = faces[row["joints"], 54:]
        np.testing.assert_allclose(pairwise(points), pairwise(still), atol=1e-3)
        frames = [tmp_path / part / row["file_name"] for part in ("plain", "faces")]
        assert frames[0].read_bytes() == frames[1].read_bytes()
    with pytest.raises(SystemExit):
        run(poses, tmp_path / "plain", "--skeleton", "body_hands_face")
    assert "skeleton was not given and is body_hands_face" in capsys.readouterr().err


def pairwise(points):
    """Distances between all points (N, 3): they tell a shape, whichever way it is turned."""
    return np.linalg.norm(points[:, None].astype(float) - points[None], axis=-1)


def mouths(joints):
    """How far mouths are open, against how high their faces are."""
    face = joints[:, 54:]
    return np.linalg.norm(face[:, 62] - face[:, 66], axis=1) / np.linalg.norm(face[:, 27] - face[:, 8], axis=1)


def test_poses_with_faces_are_performed_with_them(poses, tmp_path, capsys):
    for path in poses.iterdir():
        joints = np.repeat(np.asarray(Pose.read(path.read_bytes()).body.data[:1, 0]), 10, axis=0)
        body = AvatarBody.named()
        shapes = np.zeros((10, len(body.cast.shapes)), dtype=np.float32)
        shapes[6:, body.cast.shapes.index("jawOpen")] = 0.8
        turns = np.tile(np.eye(3, dtype=np.float32), (10, len(body.heads), 1, 1))
        face = face_points(Motion(body=body, turns=turns, shapes=shapes))
        with path.open("wb") as file:
            BODY_HANDS_FACE.make_pose(np.concatenate([joints, face], axis=1), 25).write(file)
    run(poses, tmp_path / "faces", "--skeleton", "body_hands_face")
    rows = [json.loads(line) for line in (tmp_path / "faces" / "metadata.jsonl").read_text().splitlines()]
    frames = np.array([row["frame"] for row in rows])
    opened = mouths(joints_in(tmp_path / "faces"))
    assert opened[frames >= 6].min() > opened[frames <= 4].max() + 0.1


def test_faces_move_freely_in_the_share_of_clips_asked_for(poses, tmp_path, capsys):
    options = ("--skeleton", "body_hands_face")
    for path in poses.iterdir():
        joints = np.repeat(np.asarray(Pose.read(path.read_bytes()).body.data[:1, 0]), 40, axis=0)
        with path.open("wb") as file:
            make_pose(joints, 25).write(file)
    for share in ("0", "1"):
        run(poses, tmp_path / share, *options, "--free-faces", share)
    run(poses, tmp_path / "both", *options, "--free-faces", "1", "--free-arms", "1")
    run(poses, tmp_path / "again", *options, "--free-faces", "1")
    made = {share: joints_in(tmp_path / share) for share in ("0", "1", "both", "again")}
    assert np.array_equal(made["1"], made["again"])
    for share in ("1", "both"):
        assert mouths(made[share]).max() > 2 * mouths(made["0"]).max()
        for kind in ("frames", "neutral"):
            name = f"{kind}/000003.png"
            assert (tmp_path / share / name).read_bytes() != (tmp_path / "0" / name).read_bytes()
    across = {share: made[share][:, 54] - made[share][:, 54 + 16] for share in ("0", "1")}  # from ear to ear
    slant = {share: np.degrees(np.arctan2(ears[:, 2], -ears[:, 0])) for share, ears in across.items()}
    assert np.ptp(slant["0"]) < 3
    assert np.ptp(slant["1"]) > 8
    with pytest.raises(SystemExit):
        run(poses, tmp_path / "wrong", "--free-faces", "-1")
    assert "--free-faces must lie in [0, 1], but is -1.0" in capsys.readouterr().err
