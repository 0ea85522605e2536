import json

import numpy as np
import pytest

from signdiff_core import formats
from signdiff_core.formats import write_skels
from signdiff_core.provenance import mark_generated, read_mark
from signdiff_core.skeleton import make_pose
from signdiff_slp.cli import main
from signdiff_slp.datasets.files import read_manifest


@pytest.fixture
def poses():
    joints = np.random.default_rng(0).normal(size=(10, 6, 50, 3))
    joints[:, :, 1], joints[:, :, 2], joints[:, :, 5] = 0, (-1 / 6, 0, 0), (1 / 6, 0, 0)
    return [make_pose(clip, 25) for clip in joints]


def test_skels_make_a_corpus_that_can_be_trained_with(poses, tmp_path, capsys):
    write_skels(poses, tmp_path / "train.skels")
    (tmp_path / "train.gloss").write_text("".join(f"GLOSS-{number}\n" for number in range(10)))
    assert main(["corpus", "skels", str(tmp_path), "-o", str(tmp_path / "corpus"), "--source", "gloss"]) == 0
    assert "10 clips       60 frames" in capsys.readouterr().out
    examples = read_manifest(tmp_path / "corpus", "train")
    assert [(example.id, example.text) for example in examples[:2]] == [("train-0", "GLOSS-0"), ("train-1", "GLOSS-1")]


def test_poses_are_divided_and_those_left_out_are_shown(poses, tmp_path, capsys):
    folder = tmp_path / "poses"
    folder.mkdir()
    for number, pose in enumerate(poses):
        formats.write(pose, folder / f"{number}.pose")
        (folder / f"{number}.txt").write_text(f"text {number}" if number else "")
    command = ["corpus", "poses", str(folder), "-o", str(tmp_path / "corpus"), "--texts", "beside"]
    assert main([*command, "--fractions", "0.6,0.2,0.2"]) == 0
    printed = capsys.readouterr().out
    assert "1 clips were left out" in printed
    assert "0: text must hold something, but is empty." in printed
    counts = [len(read_manifest(tmp_path / "corpus", split)) for split in ("train", "dev", "test")]
    assert sum(counts) == 9


@pytest.mark.parametrize("texts", ["beside", "table"])
def test_what_a_system_made_keeps_its_mark_in_a_corpus_and_out_of_it(poses, texts, tmp_path, capsys):
    folder, corpus, table = tmp_path / "poses", tmp_path / "corpus", tmp_path / "texts.tsv"
    folder.mkdir()
    table.write_text("".join(f"{number}.pose\ttext {number}\n" for number in range(3)))
    for number, pose in enumerate(poses[:3]):
        formats.write(pose, folder / f"{number}.pose")
        (folder / f"{number}.txt").write_text(f"text {number}")
        if number:
            mark_generated(folder / f"{number}.pose", "their system 2", protocol="free", text=str(number))
    command = ["corpus", "poses", str(folder), "-o", str(corpus)]
    assert main([*command, "--texts", texts if texts == "beside" else str(table)]) == 0
    told = capsys.readouterr()
    assert told.err == (
        "warning: of 3 clips, 2 are marked as generated (2 by their system 2): generator.json marks the corpus, and "
        "nothing is trained on it.\n"
    )
    assert "left out" not in told.out  # no mark is taken for a clip
    marked = {"generator": "their system 2", "protocol": "free"}
    assert read_mark(corpus / "train.poses.npy") == marked
    assert main(["corpus", "export", str(corpus), "-o", str(tmp_path / "out"), "--split", "train"]) == 0
    assert [read_mark(path) for path in (tmp_path / "out").glob("*.pose")] == [marked] * 3


def test_skels_of_a_system_make_a_marked_corpus(poses, tmp_path, capsys):
    write_skels(poses, tmp_path / "train.skels")
    (tmp_path / "train.text").write_text("".join(f"text {number}\n" for number in range(10)))
    mark_generated(tmp_path / "train.skels", "a model")
    assert main(["corpus", "skels", str(tmp_path), "-o", str(tmp_path / "corpus")]) == 0
    assert "of 10 clips, 10 are marked as generated (10 by a model)" in capsys.readouterr().err
    assert read_mark(tmp_path / "corpus" / "train.poses.npy") == {"generator": "a model"}


def test_a_table_with_splits_takes_no_fractions(poses, tmp_path, capsys):
    formats.write(poses[0], tmp_path / "a.pose")
    (tmp_path / "t.tsv").write_text("a\ttext\tdev\n")
    command = ["corpus", "poses", str(tmp_path), "-o", str(tmp_path / "corpus"), "--texts", str(tmp_path / "t.tsv")]
    assert main([*command, "--fractions", "1,0,0"]) == 1
    assert "fractions must not be given" in capsys.readouterr().err
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["clips"] == {"dev": 1}


@pytest.mark.parametrize(
    "wrong", [["--fractions", "1,1,1"], ["--fractions", "1"], ["--fps", "0"], ["--depth", "3"], ["--depth", "a,b"]]
)
def test_wrong_options_are_wrong_use(tmp_path, wrong):
    with pytest.raises(SystemExit) as exit_:
        main(["corpus", "poses", str(tmp_path), "-o", str(tmp_path / "corpus"), "--texts", "beside", *wrong])
    assert exit_.value.code == 2


def test_an_imported_corpus_is_exported_clip_by_clip(poses, tmp_path, capsys):
    write_skels(poses, tmp_path / "test.skels", names=[f"test/clip-{number}" for number in range(10)])
    (tmp_path / "test.text").write_text("ein satz / mit strich\n" * 10)
    corpus = str(tmp_path / "corpus")
    assert main(["corpus", "skels", str(tmp_path), "-o", corpus]) == 0
    assert main(["corpus", "export", corpus, "-o", str(tmp_path / "out")]) == 0
    assert {path.name for path in (tmp_path / "out" / "test").iterdir()} == {f"clip-{n}.pose" for n in range(10)}
    assert "test/clip-3\tein satz / mit strich\n" in (tmp_path / "out" / "texts.tsv").read_text()
    assert main(["corpus", "export", corpus, "-o", str(tmp_path / "other"), "--kind", "word"]) == 1
    assert "kind must not be given" in capsys.readouterr().err


def test_no_name_leads_out_of_the_folder(poses, tmp_path, capsys):
    (tmp_path / "corpus").mkdir()
    np.save(tmp_path / "corpus" / "test.poses.npy", np.zeros((4, 150), np.float32))
    (tmp_path / "corpus" / "test.tsv").write_text("../../escaped\t0\t4\tein satz\n")
    assert main(["corpus", "export", str(tmp_path / "corpus"), "-o", str(tmp_path / "a" / "b")]) == 1
    assert "test.tsv: name must be a path inside a folder" in capsys.readouterr().err
    assert not list(tmp_path.rglob("escaped*"))


def test_another_counter_and_another_scale_are_named_with_what_to_do(poses, tmp_path, capsys):
    write_skels(poses, tmp_path / "train.skels")
    numbers = np.array((tmp_path / "train.skels").read_text().split(), float).reshape(10, 6, 151)
    numbers[..., 150] = np.arange(6) / 5
    numbers[..., :150] *= 3
    np.savetxt(tmp_path / "train.skels", numbers.reshape(10, -1), fmt="%.5f")
    (tmp_path / "train.text").write_text("ein satz\n" * 10)
    command = ["corpus", "skels", str(tmp_path), "-o", str(tmp_path / "corpus")]
    assert main(command) == 1
    told = capsys.readouterr().err
    assert "as of t / (T - 1)" in told
    assert "--ignore-counter" in told
    assert main([*command, "--ignore-counter"]) == 1
    told = capsys.readouterr().err
    assert "the shoulders are 1 apart, not 1/3" in told
    assert "--normalise" in told
    assert main([*command, "--ignore-counter", "--normalise"]) == 0
    assert "10 clips       60 frames" in capsys.readouterr().out
    report = json.loads((tmp_path / "corpus" / "report.json").read_text())
    assert (report["counter"], report["normalised"]) == ("ignored", True)
    frames = np.load(tmp_path / "corpus" / "train.poses.npy").reshape(-1, 50, 3)
    assert np.linalg.norm(frames[:, 2] - frames[:, 5], axis=-1) == pytest.approx(1 / 3, abs=1e-5)
