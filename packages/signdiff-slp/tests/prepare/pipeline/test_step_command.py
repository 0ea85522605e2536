"""The steps one by one give what the whole preparation gives."""

import json

import numpy as np
import pytest

from signdiff_core import formats
from signdiff_core.skeleton import joints_of
from signdiff_slp.cli import main
from signdiff_slp.corpora.read import read_split


def step(*arguments):
    return main(["step", *map(str, arguments)])


def test_all_steps_make_what_prepare_makes(spelled_clips, tmp_path, capsys):
    clips, texts = spelled_clips / "clips", spelled_clips / "texts.tsv"
    quick = ["--steps", "20"]
    prepared = ["prepare", "--train", str(clips), str(texts), "-o", str(tmp_path / "corpus"), *quick]
    assert main([*prepared, "--source-fps", "25", "--shard", "1", "--workers", "1"]) == 0
    paths = [tmp_path / f"{name}.pose" for name in ("seen", "clean", "lifted", "normal")]
    assert step("read", clips / "we", "-o", paths[0], "--source-fps", "25") == 0
    assert step("clean", paths[0], "-o", paths[1]) == 0
    assert step("lift", paths[1], "-o", paths[2], *quick) == 0
    assert step("normalise", paths[2], "-o", paths[3]) == 0
    made = joints_of(formats.read(paths[3]))[0]
    [expected] = [example.joints for example in read_split(tmp_path / "corpus", "train") if example.name == "we"]
    assert made == pytest.approx(expected, abs=1e-4)
    capsys.readouterr()
    assert step("quality", paths[3]) == 0
    scores = json.loads(capsys.readouterr().out)
    row = next(line for line in (tmp_path / "corpus" / "quality.tsv").read_text().splitlines() if line[:2] == "we")
    assert [scores["jitter"], scores["left_share"]] == pytest.approx([float(x) for x in row.split("\t")[3:5]], abs=1e-4)


def test_several_clips_need_a_name(spelled_clips, tmp_path, capsys):
    assert step("read", spelled_clips / "clips", "-o", tmp_path / "a.pose") == 1
    assert "name must be that of one of the 6 clips" in capsys.readouterr().err
    assert step("read", spelled_clips / "clips", "--name", "we", "-o", tmp_path / "a.pose") == 0
    pose = formats.read(tmp_path / "a.pose")
    assert np.isfinite(joints_of(pose)[0]).all()
    assert pose.body.fps == 24  # as `prepare` takes files that do not tell
