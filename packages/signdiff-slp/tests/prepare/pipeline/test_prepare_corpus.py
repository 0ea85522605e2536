"""From clips to a corpus by the command: what is in it, what is left out, and that bytes are the same."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from signdiff_core.formats import iter_skels
from signdiff_core.skeleton import NECK, SHOULDER_WIDTH, joints_of
from signdiff_slp.cli import main
from signdiff_slp.corpora.read import read_split
from signdiff_slp.corpora.stitch import spell

QUICK = ("--steps", "20", "--source-fps", "25")


def prepare(clips, texts, output, *options):
    return main(["prepare", "--train", str(clips), str(texts), "-o", str(output), *QUICK, *options])


@pytest.fixture(scope="module")
def made(spelled_clips, tmp_path_factory):
    output = tmp_path_factory.mktemp("made") / "corpus"
    assert prepare(spelled_clips / "clips", spelled_clips / "texts.tsv", output, "--workers", "1", "--skels") == 0
    return output


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_corpus_holds_every_clip_with_its_text(made, spelled_clips):
    examples = list(read_split(made, "train"))
    assert [(example.name, example.text) for example in examples] == [
        tuple(line.split("\t")) for line in (spelled_clips / "texts.tsv").read_text().splitlines()
    ]
    for example in examples:
        frames = len(list((spelled_clips / "clips" / example.name).iterdir()))
        assert len(example.joints) == frames
        assert np.abs(example.joints[:, NECK]).max() < 1e-6
        width = np.linalg.norm(example.joints[:, 2] - example.joints[:, 5], axis=-1)
        assert np.median(width) == pytest.approx(SHOULDER_WIDTH, rel=1e-5)
    assert not made.with_name("corpus.work").exists()


def test_what_is_seen_of_the_words_is_what_was_spelled(made):
    for example in read_split(made, "train"):
        spelled = spell(example.name, rng=np.random.default_rng(len(example.name))).joints
        # The camera that drew the clips has a perspective, and pixels are whole tenths: not more than a few hundredths.
        apart = np.linalg.norm(example.joints[..., :2] - spelled[..., :2], axis=-1) / SHOULDER_WIDTH
        assert np.median(apart) < 0.05


def test_skels_hold_the_same_as_the_corpus(made):
    examples = list(read_split(made, "train"))
    read = list(iter_skels(made / "train.skels"))
    assert [name for name, _ in read] == [example.name for example in examples]
    for (_, pose), example in zip(read, examples, strict=True):
        assert joints_of(pose)[0] == pytest.approx(example.joints, abs=1e-5)
    assert (made / "train.text").read_text().splitlines() == [example.text for example in examples]


def test_the_manifest_has_the_hash_of_every_input(made, spelled_clips):
    manifest = json.loads((made / "manifest.json").read_text())
    for name, found in manifest["inputs"].items():
        digest = hashlib.sha256()
        for path in sorted((spelled_clips / "clips" / name).iterdir()):
            digest.update(f"{path.name}\n".encode() + path.read_bytes())
        assert found == digest.hexdigest()
    assert len(manifest["inputs"]) == 6
    assert manifest["settings"]["steps"] == 20


def test_the_preview_and_the_statistics_are_of_the_corpus(made):
    width, height = Image.open(made / "preview.png").size
    assert (width, height) == (8 * 144, 6 * (18 + 2 * 144))
    poses = np.load(made / "train.poses.npy")
    assert load_file(made / "statistics.safetensors")["std"] == pytest.approx(poses.std(axis=0), abs=1e-6)
    lines = (made / "quality.tsv").read_text().splitlines()
    assert len(lines) == 7
    observed = [float(line.split("\t")[1]) for line in lines[1:]]
    assert observed == pytest.approx([1.0] * 6)


def test_workers_change_no_byte(made, spelled_clips, tmp_path):
    output = tmp_path / "corpus"
    options = ("--workers", "2", "--skels")
    assert prepare(spelled_clips / "clips", spelled_clips / "texts.tsv", output, *options) == 0
    assert files_of(output) == files_of(made)


def test_a_clip_that_fails_is_told_and_stops_nothing(spelled_clips, tmp_path, capsys):
    clips = tmp_path / "clips"
    shutil.copytree(spelled_clips / "clips", clips)
    cut = sorted((clips / "at").iterdir())[3]
    cut.write_bytes(cut.read_bytes()[:100])
    for path in (clips / "by").iterdir():
        path.unlink()
    for path in (clips / "no").iterdir():
        path.write_text('{"version":1.3,"people":[]}')
    (clips / "zero.mp4").touch()
    texts = tmp_path / "texts.tsv"
    texts.write_text((spelled_clips / "texts.tsv").read_text() + "zero\tnothing\n")
    assert prepare(clips, texts, tmp_path / "corpus", "--workers", "1", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["clips"] == {"train": 3}
    reasons = dict(report["left_out"])
    assert set(reasons) == {"at", "by", "no", "zero"}
    assert "zero.mp4" in reasons["zero"]
    assert cut.name in reasons["at"]
    assert "JSON" in reasons["at"]
    assert "person" in reasons["no"]
    log = (tmp_path / "corpus" / "failures.log").read_text()
    assert "Traceback" in log
    assert cut.name in log


def test_limits_leave_clips_out(spelled_clips, tmp_path, capsys):
    texts = spelled_clips / "texts.tsv"
    assert prepare(spelled_clips / "clips", texts, tmp_path / "none", "--max-jitter", "0", "--workers", "1") == 1
    assert "jitter must be at most 0" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_bad_use_is_told_in_one_line(spelled_clips, tmp_path, capsys):
    texts = spelled_clips / "texts.tsv"
    assert prepare(tmp_path / "nowhere", texts, tmp_path / "corpus") == 1
    assert "nowhere" in capsys.readouterr().err
    assert prepare(spelled_clips / "clips", texts, tmp_path / "corpus", "--workers", "0") == 1
    assert "workers must be at least 1, but is 0" in capsys.readouterr().err
    assert main(["prepare", "-o", str(tmp_path / "corpus")]) == 1
    assert "must name clips" in capsys.readouterr().err
    assert not (tmp_path / "corpus").exists()
