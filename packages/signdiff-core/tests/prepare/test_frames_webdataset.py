"""The library webdataset reads the archives, without pickles."""

import numpy as np
import pytest

webdataset = pytest.importorskip("webdataset")

from signdiff_core.prepare.reader import open_frames  # noqa: E402


def test_webdataset_reads_what_training_reads(corpus, prepare, tmp_path):
    prepare(corpus / "videos", corpus / "poses", tmp_path / "set", layout="webdataset")
    frames = open_frames(tmp_path / "set")
    urls = [str(path) for path in sorted((tmp_path / "set" / "shards").iterdir())]
    samples = list(webdataset.WebDataset(urls, shardshuffle=False).decode("rgb8"))
    assert len(samples) == len(frames) == 39
    for index, sample in enumerate(samples):
        row = frames.rows[index]
        assert sample["__key__"] == f"{row.pose_id}/{row.frame:06d}"
        assert sample["json"] == {"text": row.text, "pose_id": row.pose_id, "frame": row.frame}
        assert np.array_equal(sample["png"], frames.image(index, 64))
        assert np.array_equal(sample["fr.png"][..., 0], frames.fr_map(index, 64))
        assert np.array_equal(sample["joints.npy"], frames.joints(index))
