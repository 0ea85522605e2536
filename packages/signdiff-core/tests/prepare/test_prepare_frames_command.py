"""``signdiff prepare-frames`` as a user calls it."""

import json

import pytest

from signdiff_core.cli import run
from signdiff_core.prepare.reader import open_frames
from signdiff_core.provenance import mark_generated


@pytest.fixture
def call(corpus, annotator, capsys):
    def command(*options, videos=None, poses=None):
        where = [str(videos or corpus / "videos"), str(poses or corpus / "poses")]
        status = run(["prepare-frames", *where, "--size", "64", "--workers", "1", *map(str, options)])
        told = capsys.readouterr()
        return status, told.out, told.err

    return command


def test_a_set_and_what_is_said_of_it(call, corpus, tmp_path):
    (corpus / "videos" / "b.mp4").rename(corpus / "videos" / "x.mp4")
    status, out, err = call("-o", tmp_path / "set", "--captions", corpus / "captions.csv")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        f"{tmp_path}/set: 26 frames of 2 clips, which have 26",
        "2 videos or poses were left out; report.json lists all:",
        "       1  b: pose without video",
        "       1  x: video without pose",
        f"Look at {tmp_path}/set/preview.png before you train.",
    ]
    assert {row.text for row in open_frames(tmp_path / "set").rows} == {"signer a", "signer c"}


@pytest.mark.parametrize("layout", ["folder", "webdataset"])
def test_what_a_system_made_marks_the_set_and_training_tells(call, corpus, layout, tmp_path, caplog):
    mark_generated(corpus / "videos" / "b.mp4", "renderer 1")
    mark_generated(corpus / "poses" / "a.pose", "their system")
    status, _, err = call("-o", tmp_path / "set", "--format", layout)
    told = f"clips are marked as generated, and so is {tmp_path}/set: 1 by their system, 1 by renderer 1\n"
    assert (status, err, caplog.text) == (0, f"signdiff: warning: {told}", "")
    open_frames(tmp_path / "set")
    assert f"{tmp_path}/set is marked as made by their system, renderer 1, at least in part" in caplog.text


def test_the_report_as_json(call, tmp_path):
    options = ("--format", "webdataset", "--every", "2", "--prompt", "a woman in blue", "--shard", "1", "--json")
    status, out, _ = call("-o", tmp_path / "set", *options)
    assert status == 0
    told = json.loads(out)
    assert (told["clips"], told["frames"], told["output"]) == (3, 20, str(tmp_path / "set"))
    assert told["left_out_frames"] == {"no pose": 0, "body": 0, "elsewhere": 0, "hands": 0}
    assert len(list((tmp_path / "set" / "shards").iterdir())) == 3
    assert open_frames(tmp_path / "set").rows[0].text == "a woman in blue"


def test_settings_of_frnet(call, tmp_path):
    assert call("-o", tmp_path / "low", "--frnet", "offset=20", "--frnet", "threshold_method=other")[0] == 0
    assert call("-o", tmp_path / "high", "--frnet", "offset=150")[0] == 0
    low, high = open_frames(tmp_path / "low"), open_frames(tmp_path / "high")
    assert (low.frnet["offset"], low.frnet["threshold_method"]) == (20.0, "other")
    assert (low.fr_map(0, 64) == 0).sum() < (high.fr_map(0, 64) == 0).sum()


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (("--frnet", "magic=1"), 2, "must be NAME=VALUE with a name of threshold_method, block_size"),
        (("--frnet", "offset=dark"), 2, "offset must be a float, but is 'dark'"),
        (("--captions", "a.csv", "--prompt", "b"), 2, "--captions or --prompt can be given, not both"),
        (("--size", "100"), 1, "size must be a multiple of 64"),
        (("--captions", "nowhere.csv"), 1, "nowhere.csv: No such file"),
    ],
)
def test_wrong_use_is_one_line(call, tmp_path, options, status, message):
    found, out, err = call("-o", tmp_path / "set", *options)
    assert found == status
    assert out == ""
    assert message in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "set").exists()
    assert not (tmp_path / "set.work").exists()


def test_an_output_with_content_is_not_touched(call, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "precious").touch()
    status, _, err = call("-o", tmp_path / "set")
    assert status == 1
    assert "output must be new or empty, or what the same command made" in err
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["precious"]


def test_without_an_annotator_it_says_what_to_install(corpus, tmp_path, capsys, monkeypatch):
    from signdiff_core import plugins

    if any(plugin.name == "frnet" for plugin in plugins.discover("signdiff.annotators")):
        pytest.skip("an annotator is installed")
    status = run(["prepare-frames", str(corpus / "videos"), str(corpus / "poses"), "-o", str(tmp_path / "set")])
    assert status == 2
    assert "signdiff-frnet" in capsys.readouterr().err
