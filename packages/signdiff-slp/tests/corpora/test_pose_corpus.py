import json
from dataclasses import replace

import numpy as np
import pytest

from signdiff_core import formats
from signdiff_core.landmarks import landmarks_of
from signdiff_core.skeleton import joints_of, make_pose
from signdiff_slp.corpora.pose_corpus import divide, import_poses, list_beside, list_table


def _signer(frames=8):
    rng = np.random.default_rng(frames)
    joints = rng.normal(size=(1, 50, 3)) + np.arange(frames)[:, None, None] * rng.normal(size=(1, 50, 3)) * 0.1
    joints[:, 1], joints[:, 2], joints[:, 5] = 0, (-1 / 6, 0, 0), (1 / 6, 0, 0)
    return joints.astype(np.float32)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "poses"
    folder.mkdir()
    for name, fps in (("a", 25), ("b", 50)):
        formats.write(make_pose(_signer(), fps), folder / f"{name}.pose")
        (folder / f"{name}.txt").write_text(f"text of {name}")
    return folder


def test_our_own_files_come_back_at_one_rate(folder, tmp_path):
    report = import_poses(list_beside(folder), tmp_path / "corpus")
    assert (report.clips, report.frames, report.left_out) == ({"train": 2}, {"train": 12}, [])
    poses = np.load(tmp_path / "corpus" / "train.poses.npy").reshape(-1, 50, 3)
    assert np.array_equal(poses[:8], _signer())
    assert poses[8:] == pytest.approx(_signer()[::2], abs=1e-6)  # even movement, every other frame
    assert json.loads((tmp_path / "corpus" / "report.json").read_text())["fps"] == 25


def test_pixels_become_normalised(folder, tmp_path):
    joints = _signer() * (1, 1, 0)
    pixels = make_pose(joints * 300 + (640, 200, 0), 25)
    pixels.header.dimensions = type(pixels.header.dimensions)(1280, 720, 0)
    formats.write(pixels, folder / "clip")  # a folder of OpenPose JSON
    table = tmp_path / "texts.tsv"
    table.write_text("clip\tsomething\tdev\n")
    report = import_poses(list_table(folder, table), tmp_path / "corpus", source_fps=50)
    assert report.frames == {"dev": 4}
    poses = np.load(tmp_path / "corpus" / "dev.poses.npy").reshape(-1, 50, 3)
    assert poses == pytest.approx(joints[::2], abs=1e-4)


def test_what_cannot_be_used_is_listed_with_its_reason(folder, tmp_path):
    confidence = np.ones((8, 50))
    confidence[:, 29:] = 0
    formats.write(make_pose(_signer(), 25, confidence=confidence), folder / "onehand.pose")
    (folder / "broken.pose").write_bytes(b"no pose")
    (folder / "two.pose").write_bytes((folder / "a.pose").read_bytes())
    (folder / "two.skels").touch()
    holed, confidence = _signer(), np.ones((8, 50))
    holed[3, 40], confidence[3, 40] = 0, 0
    formats.write(make_pose(holed, 25, confidence=confidence), folder / "filled.pose")
    broken = _signer()
    broken[3, 40, 1] = np.inf
    formats.write(make_pose(broken, 25), folder / "infinite.pose")
    table = tmp_path / "texts.tsv"
    names = ("a", "none", "onehand", "broken", "two", "filled", "infinite", "a")
    table.write_text("".join(f"{name}\ttext {name}\n" for name in names) + "b\t \n")
    report = import_poses(list_table(folder, table), tmp_path / "corpus")
    assert report.clips == {"train": 2}
    reasons = dict(report.left_out)
    assert list(reasons) == ["none", "onehand", "broken", "two", "infinite", "a", "b"]
    assert "there must be one pose of this name, but there is none" in reasons["none"]
    assert "the right hand is never" in reasons["onehand"]
    assert "broken.pose" in reasons["broken"]
    assert "there is two.pose and two.skels" in reasons["two"]
    assert "infinite.pose, frame 3: expected coordinates" in reasons["infinite"]
    assert "is taken" in reasons["a"]
    assert "text must hold something" in reasons["b"]
    poses = np.load(tmp_path / "corpus" / "train.poses.npy").reshape(-1, 50, 3)
    assert poses[8:] == pytest.approx(_signer(), abs=1e-6)  # the absent joint moved evenly


def test_nothing_usable_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="must hold at least one clip, but there were none"):
        import_poses([], tmp_path / "corpus")
    assert not (tmp_path / "corpus").exists()


@pytest.mark.realdata
def test_real_sentences(realdata, tmp_path):
    folder = realdata / "dgs-sentences" / "train"
    table = tmp_path / "texts.tsv"
    with table.open("w") as file:
        for number in range(1, 17):
            sentence = json.loads((folder / f"train_{number}_metadata.json").read_text())["sentence"]
            file.write(f"train_{number}_original\t{sentence['german']}\n")
    sources = divide(list_table(folder, table), (0.75, 0.25, 0))
    report = import_poses(sources, tmp_path / "corpus")
    assert report.clips == {"train": 12, "dev": 4}
    assert report.left_out == []
    poses = np.concatenate([np.load(tmp_path / "corpus" / f"{split}.poses.npy") for split in ("train", "dev")])
    joints = poses.reshape(-1, 50, 3)
    assert len(joints) == sum(len(formats.read(source.paths[0]).body.data) for source in sources)
    assert np.isfinite(joints).all()
    assert (joints[:, 1] == 0).all()
    assert (joints[:, 2, 0] < joints[:, 5, 0]).all()
    depth = json.loads((tmp_path / "corpus" / "report.json").read_text())["depth"]
    assert depth["measured"]
    assert 1 < depth["hand"] < 6


@pytest.mark.realdata
def test_a_real_openpose_clip_keeps_its_picture(realdata, tmp_path):
    folder = realdata / "how2sign-openpose" / "json"
    sources = [replace(list_beside(folder)[0], text="a")]
    report = import_poses(sources, tmp_path / "corpus")
    joints, confidence = joints_of(formats.read(sources[0].paths[0]))
    assert report.frames == {"train": len(joints)}
    poses = np.load(tmp_path / "corpus" / "train.poses.npy").reshape(-1, 50, 3)
    expected = formats.normalise(landmarks_of(make_pose(joints, 25)).joints, confidence)
    seen = confidence > 0
    assert poses[seen] == pytest.approx(expected[seen], abs=1e-6)
