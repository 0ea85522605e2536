import json
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import pytest

pytest.importorskip("spoken_to_signed", reason="needs signdiff-slp[corpora]")

from pose_format import Pose

from signdiff_core.skeleton import joints_of
from signdiff_slp.cli import main
from signdiff_slp.corpora.read import read_split


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    pytest.importorskip("wordfreq", reason="needs signdiff-slp[corpora]")
    folder = tmp_path_factory.mktemp("corpora") / "small"
    assert main(["corpus", "fingerspelling", "-o", str(folder), "--share", "0.003", "--json"]) == 0
    return folder


def test_depth_prints_json(capsys):
    assert main(["corpus", "depth", "--json"]) == 0
    hand, arm = json.loads(capsys.readouterr().out)
    assert (hand["part"], arm["part"]) == ("hand", "arm")
    assert hand["variation_after"] < hand["variation_before"]


def test_depth_prints_a_table(capsys):
    assert main(["corpus", "depth"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["part", "hand", "arm"]


def test_exported_poses_are_the_corpus_ones(corpus, tmp_path, capsys):
    assert main(["corpus", "export", str(corpus), "-o", str(tmp_path), "--split", "train", "--kind", "word"]) == 0
    examples = read_split(corpus, "train", kind="word")
    assert len(list(tmp_path.glob("*.pose"))) == len(examples)
    texts = dict(line.split("\t") for line in (tmp_path / "texts.tsv").read_text().splitlines())
    assert texts == {example.text: example.text for example in examples}
    pose = Pose.read((tmp_path / f"{examples[0].text}.pose").read_bytes())
    assert np.array_equal(joints_of(pose)[0], examples[0].joints)
    assert pose.body.fps == 25


def test_a_full_folder_is_one_line_and_status_1(corpus, capsys):
    assert main(["corpus", "fingerspelling", "-o", str(corpus), "--share", "0.003"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "must be new or empty" in error


def test_a_missing_corpus_is_status_1(tmp_path, capsys):
    assert main(["corpus", "export", str(tmp_path / "none"), "-o", str(tmp_path / "out")]) == 2
    assert "test.tsv" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_codes_for_a_terminal_are_escaped(tmp_path, capsys):
    assert main(["corpus", "export", str(tmp_path / "a\x1b[31m\nb"), "-o", str(tmp_path / "out")]) == 2
    message = capsys.readouterr().err
    assert r"a\x1b[31m b" in message
    assert "\x1b" not in message
    assert message.count("\n") == 1


@pytest.mark.parametrize(
    "wrong", [[], ["corpus"], ["corpus", "fingerspelling"], ["corpus", "fingerspelling", "--share", "2"]]
)
def test_wrong_use_is_status_2(wrong):
    with pytest.raises(SystemExit) as exit_:
        main(wrong)
    assert exit_.value.code == 2


def test_corpora_load_neither_torch_nor_fairseq2():
    code = (
        "import sys, signdiff_slp.cli, signdiff_slp.corpora.fingerspelling, signdiff_slp.corpora.classifier;"
        "assert not {'torch', 'fairseq2'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_version_is_the_installed_one(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out.split() == ["signdiff-slp", version("signdiff-slp")]
