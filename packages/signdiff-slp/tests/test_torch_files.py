"""Checkpoints of torch, right and damaged."""

import os
import re
import zipfile

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from signdiff_slp.torch_files import read_checkpoint  # noqa: E402

LEGACY = {"_use_new_zipfile_serialization": False}


def state():
    return {"a": torch.arange(16.0), "b": torch.ones(2, 3, dtype=torch.float16)}


def rewritten(source, target, change, **options):
    """The archive with its pickle changed, and its checksums right."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", **options) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name.endswith("data.pkl") else old.read(name))
    return target


@pytest.mark.parametrize("options", [{}, LEGACY])
def test_numpy_scalars_are_passed_over(tmp_path, options):
    content = {"model_state": state(), "steps": 7, "total_tokens": 10**10, "best_ckpt_score": np.float64(12.3)}
    content |= {"scheduler_state": {"best": np.float32(1.5), "last": np.int64(4), "better": np.bool_(True)}}
    torch.save(content, tmp_path / "best.ckpt", **options)
    found = read_checkpoint(tmp_path / "best.ckpt")
    assert found["a"].tolist() == list(range(16))
    assert found["b"].dtype == torch.float32


def test_names_of_older_numpy_are_known(tmp_path):
    torch.save({"model_state": state(), "best_ckpt_score": np.float64(12.3)}, tmp_path / "new.ckpt")
    old = rewritten(
        tmp_path / "new.ckpt", tmp_path / "old.ckpt", lambda data: data.replace(b"numpy._core", b"numpy.core")
    )
    assert b"numpy.core" in old.read_bytes()
    assert read_checkpoint(old).keys() == {"a", "b"}


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("executed",)


@pytest.mark.parametrize("options", [{}, LEGACY])
@pytest.mark.parametrize("extra", [Harmful(), np.arange(3), re.compile("a")])
def test_anything_else_is_one_line(tmp_path, monkeypatch, options, extra):
    monkeypatch.chdir(tmp_path)
    torch.save({"model_state": state(), "extra": extra}, "bad.ckpt", **options)
    with pytest.raises(
        ValueError, match=r"^bad\.ckpt must be a checkpoint of tensors, but names [\w.]+, which"
    ) as caught:
        read_checkpoint(tmp_path.__class__("bad.ckpt"))
    assert str(caught.value).isprintable()
    assert not (tmp_path / "executed").exists()


def test_storage_that_claims_more_than_the_file_has_is_no_memory_access(tmp_path):
    # Sixteen values become 2**28: torch itself hands out memory that is not there, and dies when it is read.
    torch.save({"a": torch.arange(16.0)}, tmp_path / "good.ckpt")
    bad = rewritten(tmp_path / "good.ckpt", tmp_path / "bad.ckpt", lambda data: data.replace(b"K\x10", b"J\0\0\0\x10"))
    with pytest.raises(ValueError, match=r"bad\.ckpt must be a checkpoint of tensors, but cannot be read"):
        read_checkpoint(bad)
    torch.save({"a": torch.arange(16.0)}, tmp_path / "old.ckpt", **LEGACY)
    data = (tmp_path / "old.ckpt").read_bytes()
    (tmp_path / "old.ckpt").write_bytes(data.replace(b"K\x10N", b"J\0\0\0\x10N", 1))
    with pytest.raises(ValueError, match="a tensor of 268435456 values is larger than the file"):
        read_checkpoint(tmp_path / "old.ckpt")


def test_archives_are_neither_compressed_nor_damaged(tmp_path):
    torch.save({"a": torch.arange(16.0)}, tmp_path / "good.ckpt")
    small = rewritten(tmp_path / "good.ckpt", tmp_path / "small.ckpt", bytes, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match=r"small\.ckpt .* is compressed"):
        read_checkpoint(small)
    data = (tmp_path / "good.ckpt").read_bytes()
    (tmp_path / "bad.ckpt").write_bytes(data.replace(np.float32(7).tobytes(), np.float32(8).tobytes(), 1))
    with pytest.raises(ValueError, match=r"bad\.ckpt .* good/data/0 is damaged"):
        read_checkpoint(tmp_path / "bad.ckpt")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_weights_that_are_none_are_refused(tmp_path, value):
    torch.save({"a": torch.tensor([1.0, value])}, tmp_path / "bad.ckpt")
    with pytest.raises(ValueError, match=r"bad\.ckpt must hold weights that are finite .* 'a' are not"):
        read_checkpoint(tmp_path / "bad.ckpt")


def test_few_values_may_not_stand_for_many(tmp_path):
    torch.save({"a": torch.ones(1, dtype=torch.float16).expand(10**6, 10**6)}, tmp_path / "bad.ckpt")
    with pytest.raises(ValueError, match="must hold all values of 'a'"):
        read_checkpoint(tmp_path / "bad.ckpt")


@pytest.mark.parametrize("cut", [0, 1, 100, 300, -1])
@pytest.mark.parametrize("options", [{}, LEGACY])
def test_cut_files_are_named(tmp_path, cut, options):
    torch.save(state(), tmp_path / "bad.ckpt", **options)
    (tmp_path / "bad.ckpt").write_bytes((tmp_path / "bad.ckpt").read_bytes()[:cut])
    with pytest.raises(ValueError, match=r"bad\.ckpt must be a checkpoint of tensors"):
        read_checkpoint(tmp_path / "bad.ckpt")


def test_what_is_no_state_dict(tmp_path):
    for content in ([1], {}, {"model_state": 3}, {"model_state": {"a": 3}}, {"model_state": {3: torch.ones(1)}}):
        torch.save(content, tmp_path / "bad.ckpt")
        with pytest.raises(ValueError, match=r"bad\.ckpt must hold a"):
            read_checkpoint(tmp_path / "bad.ckpt")
