"""The library datasets reads both layouts. It does not fit beside fairseq2: it has a session of its own."""

import numpy as np
import pytest

datasets = pytest.importorskip("datasets", minversion="3.4")

from signdiff_core.prepare.reader import open_frames  # noqa: E402


def load(*arguments, tmp_path, **options):
    return datasets.load_dataset(*arguments, split="train", cache_dir=str(tmp_path / "cache"), **options)


def test_an_imagefolder(corpus, prepare, tmp_path):
    prepare(corpus / "videos", corpus / "poses", tmp_path / "set")
    frames = open_frames(tmp_path / "set")
    loaded = load("imagefolder", data_dir=str(tmp_path / "set"), tmp_path=tmp_path)
    assert len(loaded) == len(frames) == 39
    for index in range(0, 39, 6):
        sample = loaded[index]
        assert np.array_equal(np.asarray(sample["image"].convert("RGB")), frames.image(index, 64))
        assert np.array_equal(np.asarray(sample["fr"].convert("L")), frames.fr_map(index, 64))
        assert (sample["text"], sample["joints"]) == (frames.rows[index].text, index)


def test_webdataset(corpus, prepare, tmp_path):
    prepare(corpus / "videos", corpus / "poses", tmp_path / "set", layout="webdataset")
    frames = open_frames(tmp_path / "set")
    archives = {"train": str(tmp_path / "set" / "shards" / "*.tar")}
    loaded = load("webdataset", data_files=archives, tmp_path=tmp_path)
    assert len(loaded) == len(frames) == 39
    for index in range(0, 39, 6):
        sample = loaded[index]
        assert np.array_equal(np.asarray(sample["png"].convert("RGB")), frames.image(index, 64))
        assert sample["json"]["text"] == frames.rows[index].text
        assert np.array_equal(np.asarray(sample["joints.npy"], dtype=np.float32), frames.joints(index))
