import json

import numpy as np
import pytest

from signdiff_core.formats import FormatError, iter_skels, write_skels
from signdiff_core.skeleton import joints_of, make_pose
from signdiff_slp.corpora.skels_corpus import import_skels


@pytest.fixture
def clips():
    rng = np.random.default_rng(5)
    clips = rng.normal(size=(3, 7, 50, 3)).round(3)
    clips[:, :, 1], clips[:, :, 2], clips[:, :, 5] = 0, (-0.166, 0, 0), (0.166, 0, 0)
    return clips


@pytest.fixture
def folder(tmp_path, clips):
    folder = tmp_path / "phoenix"
    folder.mkdir()
    names = [f"train/clip-{number}" for number in range(3)]
    write_skels([make_pose(clip, 25) for clip in clips], folder / "train.skels", names=names)
    (folder / "train.text").write_text("ein  tag\nzwei tage\ndrei tage\n")
    (folder / "train.gloss").write_text("TAG\nZWEI TAG\nDREI TAG\n")
    return folder


@pytest.mark.parametrize(("source", "first"), [("text", "ein tag"), ("gloss", "TAG")])
def test_what_was_written_comes_back(folder, clips, tmp_path, source, first):
    report = import_skels(folder, tmp_path / "corpus", source=source)
    assert (report.clips, report.frames, report.left_out) == ({"train": 3}, {"train": 21}, [])
    poses = np.load(tmp_path / "corpus" / "train.poses.npy")
    assert poses == pytest.approx(clips.reshape(21, 150), abs=1e-5)
    table = (tmp_path / "corpus" / "train.tsv").read_text().splitlines()
    assert table[0] == f"train/clip-0\t0\t7\t{first}"


def test_broken_lines_are_listed_and_the_rest_stays(folder, clips, tmp_path):
    lines = (folder / "train.skels").read_text().splitlines()
    lines[1] = lines[1].replace(lines[1].split()[200], "nan", 1)
    (folder / "train.skels").write_text("\n".join(lines) + "\n")
    report = import_skels(folder, tmp_path / "corpus")
    assert report.clips == {"train": 2}
    assert [name for name, _ in report.left_out] == ["train/clip-1"]
    assert "line 2, frame" in report.left_out[0][1]
    table = (tmp_path / "corpus" / "train.tsv").read_text().splitlines()
    assert [line.split("\t")[3] for line in table] == ["ein tag", "drei tage"]
    listed = json.loads((tmp_path / "corpus" / "report.json").read_text())["left_out"]
    assert [entry["clip"] for entry in listed] == ["train/clip-1"]
    poses = np.load(tmp_path / "corpus" / "train.poses.npy")
    assert poses == pytest.approx(clips[[0, 2]].reshape(14, 150), abs=1e-5)


def test_names_that_no_file_can_have_are_told_in_short_with_their_line(folder, tmp_path):
    (folder / "train.files").write_text("".join(f"{letter * 20_000}\n" for letter in "abc"))
    with pytest.raises(ValueError, match=r"train\.skels, line 1: name must have at most 200 bytes") as caught:
        import_skels(folder, tmp_path / "corpus")
    assert len(str(caught.value)) < 2000
    assert "all 3 were left out" in str(caught.value)


def test_absent_joints_are_interpolated_or_the_clip_left_out(tmp_path):
    joints = np.random.default_rng(1).normal(size=(6, 50, 3))
    joints[:, 1], joints[:, 2], joints[:, 5] = 0.1, (-1 / 6, 0.1, 0.1), (1 / 6, 0.1, 0.1)
    for folder, frames in (("some", [2, 3]), ("all", range(6))):
        confidence = np.ones((6, 50))
        confidence[list(frames), 20] = 0
        (tmp_path / folder).mkdir()
        poses = [make_pose(joints, 25), make_pose(joints, 25, confidence=confidence)]
        write_skels(poses, tmp_path / folder / "train.skels", variant="prompt2sign")
        (tmp_path / folder / "train.text").write_text("a\nb\n")
    report = import_skels(tmp_path / "some", tmp_path / "a", variant="prompt2sign")
    assert report.clips == {"train": 2}
    assert report.filled["train"] == pytest.approx(2 / (12 * 50))
    report = import_skels(tmp_path / "all", tmp_path / "b")
    reason = "train.skels, line 2: joints must be seen in some frame, but 1 of the left hand is never."
    assert report.left_out == [("train-1", reason)]


def test_clips_without_text_are_listed(folder, tmp_path):
    (folder / "train.text").write_text("ein tag\n\ndrei tage\n")
    report = import_skels(folder, tmp_path / "corpus")
    assert report.left_out == [("train/clip-1", "train.skels, line 2: text must hold something, but is empty.")]


@pytest.mark.parametrize("lines", ["one\ntwo\n", "one\ntwo\nthree\nfour\n"])
def test_files_that_are_not_parallel(folder, tmp_path, lines):
    (folder / "train.text").write_text(lines)
    with pytest.raises(ValueError, match=r"train\.skels and train\.text must have as many lines"):
        import_skels(folder, tmp_path / "corpus")
    assert not (tmp_path / "corpus").exists()


def test_texts_in_another_encoding_are_named(folder, tmp_path):
    (folder / "train.text").write_bytes("ein tag\nzwölf tage\ndrei tage\n".encode("latin-1"))
    with pytest.raises(FormatError, match=r"train\.text, line 2: expected text in UTF-8, but byte 3 is 0xf6"):
        import_skels(folder, tmp_path / "corpus")


def test_byte_order_mark_is_no_part_of_the_first_word(folder, tmp_path):
    (folder / "train.text").write_bytes("ein tag\nzwei tage\ndrei tage\n".encode("utf-8-sig"))
    import_skels(folder, tmp_path / "corpus")
    assert (tmp_path / "corpus" / "train.tsv").read_text().splitlines()[0] == "train/clip-0\t0\t7\tein tag"


def test_files_that_are_missing(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"must hold train\.skels, dev\.skels or test\.skels"):
        import_skels(tmp_path, tmp_path / "corpus")
    (folder / "train.gloss").unlink()
    with pytest.raises(FileNotFoundError, match=r"must hold train\.gloss beside"):
        import_skels(folder, tmp_path / "corpus", source="gloss")


def test_a_variant_that_no_line_follows(folder, tmp_path):
    with pytest.raises(ValueError, match=r"all 3 were left out: 3 as train/clip-0: .*'prompt2sign'"):
        import_skels(folder, tmp_path / "corpus", variant="prompt2sign")
    with pytest.raises(FormatError):
        list(iter_skels(folder / "train.skels", variant="prompt2sign"))


@pytest.mark.realdata
def test_phoenix(realdata, tmp_path):
    source = realdata / "phoenix14t-skels"
    report = import_skels(source, tmp_path / "corpus", source="gloss")
    assert report.clips == {"train": 5, "dev": 5}
    for split in ("train", "dev"):
        poses = np.load(tmp_path / "corpus" / f"{split}.poses.npy")
        rows = [line.split("\t") for line in (tmp_path / "corpus" / f"{split}.tsv").read_text().splitlines()]
        assert [row[0] for row in rows] == (source / f"{split}.files").read_text().split()
        assert [row[3] for row in rows] == [line.strip() for line in (source / f"{split}.gloss").open()]
        # By hand from the published numbers: x and z turn round, the counter is left out.
        for row, line in zip(rows, (source / f"{split}.skels").open(), strict=True):
            values = np.array(line.split(), dtype=np.float64).reshape(-1, 151)[:, :150].reshape(-1, 50, 3)
            start, count = int(row[1]), int(row[2])
            assert count == len(values)
            assert poses[start : start + count].reshape(-1, 50, 3) == pytest.approx(values * (-1, 1, -1), abs=1e-6)
        joints = joints_of(next(iter_skels(source / f"{split}.skels"))[1])[0]
        assert np.array_equal(poses[: len(joints)].reshape(joints.shape), joints)


def test_empty_files_are_named(tmp_path):
    (tmp_path / "train.skels").touch()
    (tmp_path / "train.text").touch()
    with pytest.raises(ValueError, match=r"must hold a line for each clip, but train\.text is empty\."):
        import_skels(tmp_path, tmp_path / "corpus")
