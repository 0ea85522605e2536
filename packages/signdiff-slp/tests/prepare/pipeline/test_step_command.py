"""The steps one by one give what the whole preparation gives."""

import json

import numpy as np
import pytest

from signdiff_core import formats
from signdiff_core.landmarks import as_pose
from signdiff_core.skeleton import LEFT_HAND, OPENPOSE50, RIGHT_HAND, joints_of
from signdiff_slp.cli import main
from signdiff_slp.corpora.read import read_split
from signdiff_slp.corpora.stitch import spell


def step(*arguments):
    return main(["step", *map(str, arguments)])


def test_all_steps_make_what_prepare_makes(spelled_clips, tmp_path, capsys):
    clips, texts = spelled_clips / "clips", spelled_clips / "texts.tsv"
    prepared = ["prepare", "--train", str(clips), str(texts), "-o", str(tmp_path / "corpus")]
    assert main([*prepared, "--source-fps", "25", "--shard", "1", "--workers", "1"]) == 0
    paths = [tmp_path / f"{name}.pose" for name in ("seen", "clean", "lifted", "normal")]
    assert step("read", clips / "we", "-o", paths[0], "--source-fps", "25") == 0
    assert step("clean", paths[0], "-o", paths[1]) == 0
    assert step("lift", paths[1], "-o", paths[2]) == 0
    assert step("normalise", paths[2], "-o", paths[3]) == 0
    made = joints_of(formats.read(paths[3]))[0]
    [expected] = [example.joints for example in read_split(tmp_path / "corpus", "train") if example.name == "we"]
    assert made == pytest.approx(expected, abs=1e-4)
    capsys.readouterr()
    assert step("quality", paths[3]) == 0
    scores = json.loads(capsys.readouterr().out)
    row = next(line for line in (tmp_path / "corpus" / "quality.tsv").read_text().splitlines() if line[:2] == "we")
    assert [scores["jitter"], scores["left_share"]] == pytest.approx([float(x) for x in row.split("\t")[3:5]], abs=1e-4)


def test_the_detectors_depth_of_hands_reaches_the_lifting(tmp_path):
    """What a detector says of a hand's depth, by `prepare` and step by step, and what comes without it."""
    joints = spell("we", rng=np.random.default_rng(0)).joints
    points = np.concatenate([joints[..., :2] * 600 + 640, np.ones_like(joints[..., :1])], axis=-1)
    points[5, 12] = 0  # is filled
    depth = np.full(points.shape[:2], np.nan)
    for hand in (LEFT_HAND, RIGHT_HAND):
        depth[:, hand] = 600 * (joints[:, hand, 2] - joints[:, hand.start, None, 2])
    made = {}
    for name, known in (("deep", depth), ("flat", None)):
        clips = tmp_path / name
        clips.mkdir()
        pose = as_pose(points.astype(np.float32), known, 25.0, (1280, 1280), OPENPOSE50)
        formats.write(pose, clips / "we.pose")
        (tmp_path / f"{name}.tsv").write_text("we\twe\n")
        corpus = tmp_path / f"{name}-corpus"
        line = ["prepare", "--train", str(clips), str(tmp_path / f"{name}.tsv"), "-o", str(corpus), "--workers", "1"]
        assert main(line) == 0
        [example] = read_split(corpus, "train")
        made[name] = example.joints
        paths = [
            clips / "we.pose",
            *(tmp_path / f"{name}-{step}.pose" for step in ("seen", "clean", "lifted", "normal")),
        ]
        for kind, before, after in zip(("read", "clean", "lift", "normalise"), paths, paths[1:], strict=False):
            assert step(kind, before, "-o", after) == 0
        assert joints_of(formats.read(paths[-1]))[0] == pytest.approx(example.joints, abs=1e-4)

    def off(found):
        hands = [each[:, 30:50, 2] - each[:, 29, None, 2] for each in (found, joints)]
        return np.abs(hands[0] - hands[1]).mean()

    assert off(made["deep"]) < 0.8 * off(made["flat"])


def test_options_of_the_search_that_lifted_before_are_told(spelled_clips, tmp_path, capsys):
    paths = [tmp_path / f"{name}.pose" for name in ("seen", "now", "before")]
    assert step("read", spelled_clips / "clips" / "we", "-o", paths[0]) == 0
    assert step("lift", paths[0], "-o", paths[1]) == 0
    capsys.readouterr()
    assert step("lift", paths[0], "-o", paths[2], "--steps", "20", "--device", "cuda") == 0
    warned = capsys.readouterr().err.splitlines()
    assert [line.split("warning: ")[1] for line in warned] == [
        f"{option} has no effect: lifting is no search in steps any more." for option in ("--steps", "--device")
    ]
    assert paths[2].read_bytes() == paths[1].read_bytes()
    assert step("lift", paths[0], "-o", paths[2], "--smoothing", "-1") == 1
    assert "smoothing must be at least 0, but is -1.0." in capsys.readouterr().err


def test_several_clips_need_a_name(spelled_clips, tmp_path, capsys):
    assert step("read", spelled_clips / "clips", "-o", tmp_path / "a.pose") == 1
    assert "name must be that of one of the 6 clips" in capsys.readouterr().err
    assert step("read", spelled_clips / "clips", "--name", "we", "-o", tmp_path / "a.pose") == 0
    pose = formats.read(tmp_path / "a.pose")
    assert np.isfinite(joints_of(pose)[0]).all()
    assert pose.body.fps == 24  # as `prepare` takes files that do not tell
