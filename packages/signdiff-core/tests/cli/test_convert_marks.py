"""What signdiff convert does with the mark of a generated pose."""

import json

import pytest

from signdiff_core import formats
from signdiff_core.cli import run
from signdiff_core.provenance import mark_generated, read_mark


@pytest.fixture
def truth(pose, tmp_path):
    formats.write(pose, tmp_path / "truth.pose")
    return tmp_path / "truth.pose"


@pytest.fixture
def generated(pose, tmp_path):
    formats.write(pose, tmp_path / "made.pose")
    mark_generated(tmp_path / "made.pose", "a system 2.0", protocol="gt-timing")
    return tmp_path / "made.pose"


def convert(*arguments):
    return run(["convert", *map(str, arguments)])


MARK = {"generator": "a system 2.0", "protocol": "gt-timing"}


def test_the_mark_goes_along_with_its_protocol(generated, tmp_path):
    assert convert(generated, tmp_path / "a.skels") == 0
    assert json.loads((tmp_path / "a.skels.json").read_text()) == MARK
    assert convert(tmp_path / "a.skels", tmp_path / "v1.0") == 0
    assert json.loads((tmp_path / "v1.0" / "generator.json").read_text()) == MARK
    assert not (tmp_path / "v1.0.json").exists()
    assert convert(tmp_path / "v1.0", tmp_path / "b.pose") == 0
    assert json.loads((tmp_path / "b.pose.json").read_text()) == MARK
    assert convert(tmp_path / "b.pose", tmp_path / "b.pose", "--normalise") == 0
    assert json.loads((tmp_path / "b.pose.json").read_text()) == MARK


def test_the_mark_of_a_folder_goes_along(pose, tmp_path):
    (tmp_path / "system").mkdir()
    mark_generated(tmp_path / "system", "a system 2.0", protocol="gt-timing")
    formats.write(pose, tmp_path / "system" / "a.pose")
    assert convert(tmp_path / "system" / "a.pose", tmp_path / "a.skels") == 0
    assert json.loads((tmp_path / "a.skels.json").read_text()) == MARK


def test_truth_in_the_place_of_a_generated_pose_is_not_marked(truth, generated, tmp_path):
    assert convert(truth, generated) == 0
    assert read_mark(generated) is None
    assert not (tmp_path / "made.pose.json").exists()


def test_a_file_beside_that_is_no_mark_stays(truth, tmp_path):
    for content in ('{"frames": 4}', "[1, 2]"):
        (tmp_path / "out.skels.json").write_text(content)
        (tmp_path / "truth.pose.json").write_text(content)
        assert convert(truth, tmp_path / "out.skels") == 0
        assert (tmp_path / "out.skels.json").read_text() == content


@pytest.mark.parametrize(("name", "content"), [("truth.pose.json", "{"), ("generator.json", "{}")])
def test_a_mark_that_cannot_be_read_is_named_before_anything_is_written(truth, tmp_path, capsys, name, content):
    (tmp_path / name).write_text(content)
    assert convert(truth, tmp_path / "out.skels") == 1
    told = capsys.readouterr().err
    assert told.startswith(f"signdiff: error: {tmp_path / name}")
    assert told.count("\n") == 1
    assert not (tmp_path / "out.skels").exists()


def test_what_is_not_written_is_not_marked(generated, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").write_text("mine")
    assert convert(generated, tmp_path / "full") == 1
    assert convert(generated, tmp_path / "no" / "a.skels") == 1
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "made.pose",
        "made.pose.json",
        "note.txt",
    ]
