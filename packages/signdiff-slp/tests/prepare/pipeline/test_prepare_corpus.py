"""From clips to a corpus by the command: what is in it, what is left out, and that bytes are the same."""

import csv
import hashlib
import json
import shutil
import sys

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from signdiff_core.formats import iter_skels
from signdiff_core.provenance import mark_generated, read_mark
from signdiff_core.skeleton import NECK, SHOULDER_WIDTH, joints_of
from signdiff_slp.cli import main
from signdiff_slp.corpora.read import read_split
from signdiff_slp.corpora.stitch import spell

QUICK = ("--source-fps", "25")


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


def test_a_clip_that_a_system_made_marks_the_corpus(spelled_clips, tmp_path, capsys):
    for name in ("so", "at"):
        shutil.copytree(spelled_clips / "clips" / name, tmp_path / "clips" / name)
    mark_generated(tmp_path / "clips" / "so", "their system", protocol="free")
    (tmp_path / "texts.tsv").write_text("so\tso\nat\tat\n")
    assert prepare(tmp_path / "clips", tmp_path / "texts.tsv", tmp_path / "corpus", "--workers", "1", "--json") == 0
    told = capsys.readouterr()
    assert "warning: of 2 clips, 1 are marked as generated (1 by their system)" in told.err
    assert json.loads(told.out)["generated"] == {"their system": 1}
    assert read_mark(tmp_path / "corpus" / "train.poses.npy") == {"generator": "their system", "protocol": "free"}


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
    assert manifest["settings"]["smoothing"] == 0.5


def test_the_preview_and_the_statistics_are_of_the_corpus(made):
    width, height = Image.open(made / "preview.png").size
    assert (width, height) == (8 * 144, 6 * (18 + 2 * 144))
    poses = np.load(made / "train.poses.npy")
    assert load_file(made / "statistics.safetensors")["std"] == pytest.approx(
        poses.std(axis=0, dtype=np.float64), abs=1e-6
    )
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
    (clips / "zero.npz").touch()
    texts = tmp_path / "texts.tsv"
    texts.write_text((spelled_clips / "texts.tsv").read_text() + "zero\tnothing\n")
    assert prepare(clips, texts, tmp_path / "corpus", "--workers", "1", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["clips"] == {"train": 3}
    reasons = dict(report["left_out"])
    assert set(reasons) == {"at", "by", "no", "zero"}
    assert "zero.npz" in reasons["zero"]
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
    assert prepare(tmp_path / "nowhere", texts, tmp_path / "corpus") == 2
    assert "nowhere" in capsys.readouterr().err
    assert prepare(spelled_clips / "clips", texts, tmp_path / "corpus", "--workers", "0") == 1
    assert "workers must be at least 1, but is 0" in capsys.readouterr().err
    assert main(["prepare", "-o", str(tmp_path / "corpus")]) == 1
    assert "must name clips" in capsys.readouterr().err
    assert not (tmp_path / "corpus").exists()


def test_missing_packages_stop_it_before_any_work(spelled_clips, tmp_path, capsys, monkeypatch):
    clips = tmp_path / "clips"
    shutil.copytree(spelled_clips / "clips", clips)
    (clips / "film.mp4").touch()
    texts = tmp_path / "texts.tsv"
    texts.write_text((spelled_clips / "texts.tsv").read_text() + "film\tnothing\n")
    monkeypatch.setitem(sys.modules, "mediapipe", None)  # which is how Python marks what is not to be found
    assert prepare(clips, texts, tmp_path / "corpus", "--workers", "1") == 1
    err = capsys.readouterr().err
    assert err.startswith("signdiff-slp: error: finding people in 1 videos, such as ")
    assert "film.mp4: the estimator 'holistic' needs mediapipe, which is not installed. To get it: python -m pip" in err
    assert '"signdiff-core[mediapipe]" && python -m pip install --no-deps mediapipe==0.10.14' in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clips", "texts.tsv"]
    monkeypatch.setitem(sys.modules, "ray", None)
    assert prepare(spelled_clips / "clips", spelled_clips / "texts.tsv", tmp_path / "c", "--engine", "ray") == 1
    assert "the engine ray needs Ray" in capsys.readouterr().err
    assert not (tmp_path / "c.work").exists()


def test_losses_are_told_by_cause_and_the_telling_ones_first(spelled_clips, tmp_path, capsys):
    clips = tmp_path / "clips"
    clips.mkdir()
    for name in ("one.npz", "two.npz"):
        (clips / name).touch()
    rows = [f"clip{number}\tsome text {number}\n" for number in range(20)]
    (tmp_path / "texts.tsv").write_text("".join(rows) + "one\t1\ntwo\t2\n")
    assert prepare(clips, tmp_path / "texts.tsv", tmp_path / "corpus", "--workers", "1") == 1
    err = capsys.readouterr().err
    told = err.partition("but all 22 were left out: ")[2]
    assert told.startswith("2 as one: ")
    assert "one.npz" in told
    assert "; 20 as clip0: text without clip" in told


def test_odd_clips_are_findings_of_the_report_and_of_the_table_of_quality(spelled_clips, tmp_path, capsys):
    clips = tmp_path / "clips"
    shutil.copytree(spelled_clips / "clips", clips)
    frames = sorted((clips / "at").iterdir())
    for frame in frames[1:]:
        frame.write_bytes(frames[0].read_bytes())
    lines = ["VIDEO_NAME\tSENTENCE_NAME\tSTART\tEND\tSENTENCE"]
    for clip in sorted(clips.iterdir()):
        seconds = len(list(clip.iterdir())) / 25
        lines.append(f"V\t{clip.name}\t0\t{seconds / 2 if clip.name == 'so' else seconds}\tthe word {clip.name}")
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")
    assert prepare(clips, tmp_path / "table.csv", tmp_path / "corpus", "--workers", "1") == 0
    report = json.loads((tmp_path / "corpus" / "report.json").read_text())
    assert sorted((each["clip"], each["kind"]) for each in report["findings"]) == [
        ("at", "no motion"),
        ("so", "other duration"),
    ]
    rows = {row["name"]: row for row in csv.DictReader((tmp_path / "corpus" / "quality.tsv").open(), delimiter="\t")}
    assert (rows["at"]["findings"], rows["so"]["findings"]) == ("no motion", "other duration")
    assert {row["findings"] for name, row in rows.items() if name not in ("at", "so")} == {""}
    assert float(rows["at"]["movement"]) < 0.02 < min(float(rows[name]["movement"]) for name in rows if name != "at")
    assert float(rows["so"]["seconds"]) == pytest.approx(2 * float(rows["so"]["table_seconds"]), abs=2e-3)
    assert "2 findings on clips that were kept" in capsys.readouterr().out


def test_the_same_command_says_that_it_is_done_and_another_one_what_differs(spelled_clips, tmp_path, capsys):
    clips, texts, output = tmp_path / "clips", tmp_path / "texts.tsv", tmp_path / "corpus"
    shutil.copytree(spelled_clips / "clips", clips)
    shutil.copy(spelled_clips / "texts.tsv", texts)
    assert prepare(clips, texts, output, "--workers", "1") == 0
    before = {path.name: path.read_bytes() for path in output.iterdir()}
    capsys.readouterr()
    (tmp_path / "corpus.work").mkdir()  # as a kill after the last rename leaves it
    assert prepare(clips, texts, output, "--workers", "1") == 0
    assert f"{output} is finished: it was made of the same inputs with the same settings." in capsys.readouterr().out
    assert not (tmp_path / "corpus.work").exists()

    assert prepare(clips, texts, output, "--workers", "1", "--fps", "12.5", "--smoothing", "1") == 1
    differ = "fps was 25.0 and is 12.5; smoothing was 0.5 and is 1.0."
    assert f"of other inputs or settings: {differ}" in capsys.readouterr().err
    frame = sorted((clips / "at").iterdir())[0]
    frame.write_text(frame.read_text() + " ")
    assert prepare(clips, texts, output, "--workers", "1") == 1
    assert "1 clips have another content (at)." in capsys.readouterr().err
    texts.write_text(texts.read_text().replace("the word so", "another word"))
    assert prepare(clips, texts, output, "--workers", "1") == 1
    assert "1 clips have another text or split (so)." in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in output.iterdir()} == before
