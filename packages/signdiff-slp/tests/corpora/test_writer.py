import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from signdiff_core.skeleton import BODY_HANDS_FACE
from signdiff_slp.corpora.read import read_split
from signdiff_slp.corpora.writer import CorpusWriter


def _clip(frames, seed=0):
    return np.random.default_rng(seed).normal(size=(frames, 50, 3)) + 3


def test_clips_come_back_from_the_files(tmp_path):
    clips = [_clip(frames, frames) for frames in (3, 1, 120)]
    with CorpusWriter(tmp_path / "new" / "corpus", {"format": "test"}) as writer:
        for number, clip in enumerate(clips):
            writer.add("train", f"clip/{number}", f" two\twords {number}\n", clip)
        writer.add("dev", "other", "a", _clip(2))
        writer.leave_out("gone", "why\nnot")
    folder = tmp_path / "new" / "corpus"
    assert [path.name for path in folder.parent.iterdir()] == ["corpus"]
    poses = np.load(folder / "train.poses.npy", mmap_mode="r", allow_pickle=False)
    assert (poses.dtype, poses.shape) == (np.float32, (124, 150))
    assert np.array_equal(poses, np.concatenate(clips).reshape(124, 150).astype(np.float32))
    table = (folder / "train.tsv").read_text()
    assert table == "clip/0\t0\t3\ttwo words 0\nclip/1\t3\t1\ttwo words 1\nclip/2\t4\t120\ttwo words 2\n"
    report = json.loads((folder / "report.json").read_text())
    assert report["splits"]["train"] == {"clips": 3, "frames": 124, "filled": 0.0}
    assert report["left_out"] == [{"clip": "gone", "reason": "why not"}]
    statistics = load_file(folder / "statistics.safetensors")
    assert statistics["mean"] == pytest.approx(poses.mean(axis=0, dtype=np.float64), abs=1e-6)
    assert statistics["std"] == pytest.approx(poses.std(axis=0, dtype=np.float64), abs=1e-6)


def test_faces_are_kept(tmp_path):
    clip = np.random.default_rng(0).normal(size=(5, 124, 3))
    with CorpusWriter(tmp_path / "corpus", {}, BODY_HANDS_FACE) as writer:
        writer.add("train", "a", "a", clip)
    assert json.loads((tmp_path / "corpus" / "report.json").read_text())["skeleton"] == "body_hands_face"
    [read] = read_split(tmp_path / "corpus", "train")
    assert np.array_equal(read.joints, clip.astype(np.float32))
    assert load_file(tmp_path / "corpus" / "statistics.safetensors")["std"].shape == (372,)


def test_filled_is_a_share_of_the_frames(tmp_path):
    with CorpusWriter(tmp_path / "corpus", {}) as writer:
        writer.add("train", "a", "a", _clip(10), filled=0.5)
        writer.add("train", "b", "b", _clip(30), filled=0.1)
    assert writer.report.filled["train"] == pytest.approx((0.5 * 10 + 0.1 * 30) / 40)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"split": "valid"}, "split must be one of train, dev, test, but is 'valid'"),
        ({"name": "a b"}, "name must be without white space"),
        ({"name": "taken"}, "name must be unique in the corpus, but 'taken' is taken"),
        ({"text": " \t"}, "text must hold something"),
        ({"joints": np.zeros((0, 50, 3))}, "at least one frame"),
        ({"joints": np.where(np.arange(4)[:, None, None] > 1, np.nan, _clip(4))}, "2 of 4 frames, from frame 2 on"),
    ],
)
def test_a_clip_that_does_not_fit_changes_nothing(tmp_path, change, message):
    with CorpusWriter(tmp_path / "corpus", {}) as writer:
        writer.add("train", "taken", "text", _clip(2))
        with pytest.raises(ValueError, match=message):
            writer.add(**({"split": "train", "name": "new", "text": "text", "joints": _clip(4)} | change))
    assert np.load(tmp_path / "corpus" / "train.poses.npy").shape == (2, 150)
    assert [path.name for path in (tmp_path / "corpus").glob("*.tsv")] == ["train.tsv"]


def _failing(folder):
    with CorpusWriter(folder, {}) as writer:
        writer.add("train", "a", "text", _clip(2))
        raise KeyError


def test_nothing_stays_of_a_failure(tmp_path):
    with pytest.raises(KeyError):
        _failing(tmp_path / "corpus")
    assert list(tmp_path.iterdir()) == []


def _empty(folder):
    with CorpusWriter(folder, {}) as writer:
        writer.leave_out("a", "no text")
        writer.leave_out("b", "no pose")


def test_an_empty_corpus_is_refused_with_the_first_reason(tmp_path):
    with pytest.raises(ValueError, match=r"at least one clip, but all 2 were left out.* a: no text"):
        _empty(tmp_path / "corpus")
    assert list(tmp_path.iterdir()) == []


def test_a_full_folder_is_left_alone(tmp_path):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "a").touch()
    with pytest.raises(FileExistsError), CorpusWriter(tmp_path / "corpus", {}):
        pass
    assert [path.name for path in (tmp_path / "corpus").iterdir()] == ["a"]
