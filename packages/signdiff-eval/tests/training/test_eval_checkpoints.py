"""Checkpoints are on the disk before they count, and a stranger's take no more memory than they have bytes."""

import errno
import json
import os
import resource
import zipfile

import pytest
import torch
from accelerate import Accelerator

from signdiff_eval.training.checkpoints import list_checkpoints, load_checkpoint, save_checkpoint


def test_a_checkpoint_that_the_disk_does_not_keep_is_none(tmp_path, monkeypatch):
    def full(_file):
        raise OSError(errno.ENOSPC, "No space left on device")

    accelerator = Accelerator(cpu=True)
    accelerator.prepare(torch.nn.Linear(2, 2))
    save_checkpoint(accelerator, tmp_path, 1, keep=1, parts={})
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            save_checkpoint(accelerator, tmp_path, 2, keep=1, parts={})
    assert list_checkpoints(tmp_path) == [tmp_path / "checkpoint-1"]
    # What the failure, or a kill, left is gone with the next one.
    save_checkpoint(accelerator, tmp_path, 3, keep=1, parts={})
    assert list(tmp_path.iterdir()) == [tmp_path / "checkpoint-3"]


def test_a_full_disk_is_an_error_of_the_system(tmp_path):
    accelerator = Accelerator(cpu=True)
    accelerator.prepare(torch.nn.Linear(64, 64))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
    try:
        with pytest.raises(OSError, match=r"checkpoint-1 cannot be written: .*File too large"):
            save_checkpoint(accelerator, tmp_path, 1, keep=1, parts={})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_run_goes_on_with_its_own_data_and_network(tmp_path):
    accelerator = Accelerator(cpu=True)
    network = accelerator.prepare(torch.nn.Linear(2, 2))
    own = {"data": "ab12", "width": 2}
    save_checkpoint(accelerator, tmp_path, 1, keep=1, parts={}, identity=own)
    for other, message in (({"data": "cd34"}, "data was ab12 and is cd34"), ({"width": 3}, "width was 2 and is 3")):
        with pytest.raises(
            ValueError, match=f"checkpoint-1 must be of the data and the network of this run, but {message}"
        ):
            load_checkpoint(accelerator, tmp_path / "checkpoint-1", parts={}, identity=own | other)
    before = network.weight.detach().clone()
    with torch.no_grad():
        network.weight.zero_()
    load_checkpoint(accelerator, tmp_path / "checkpoint-1", parts={}, identity=own)
    assert torch.equal(network.weight, before)
    # Checkpoints of before tell nothing, and are read.
    save_checkpoint(accelerator, tmp_path, 2, keep=1, parts={})
    load_checkpoint(accelerator, tmp_path / "checkpoint-2", parts={}, identity=own)


def rewritten(path, change, method=zipfile.ZIP_STORED):
    """Write an archive anew, with what its members hold changed and their checksums right."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, change(name, content))


@pytest.fixture
def trained(tmp_path):
    accelerator = Accelerator(cpu=True)
    network = torch.nn.Linear(2, 2)
    network, optimizer = accelerator.prepare(network, torch.optim.AdamW(network.parameters()))
    network(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer.optimizer, lambda step: 1.0)
    parts = {"schedule": schedule}
    save_checkpoint(accelerator, tmp_path, 1, keep=1, parts=parts)
    return accelerator, tmp_path / "checkpoint-1", parts


def test_archives_that_hold_other_than_they_say_are_not_read(trained):
    accelerator, folder, parts = trained
    load_checkpoint(accelerator, folder, parts=parts)
    whole = (folder / "optimizer.bin").read_bytes()

    def padded(name, content):
        return content + bytes(1 << 24) if name.endswith("data/1") else content

    def taller(name, content):
        two, million = b"K\x02", b"J\x00\x00\x10\x00"
        assert not name.endswith("data.pkl") or two + two + b"\x86" in content
        return content.replace(two + two + b"\x86", million + two + b"\x86") if name.endswith("data.pkl") else content

    for change, method, message in (
        (padded, zipfile.ZIP_DEFLATED, "is compressed"),
        (taller, zipfile.ZIP_STORED, "storage"),
    ):
        (folder / "optimizer.bin").write_bytes(whole)
        rewritten(folder / "optimizer.bin", change, method)
        with pytest.raises(ValueError, match=f"checkpoint-1 must be a whole checkpoint .* optimizer.bin: .*{message}"):
            load_checkpoint(accelerator, folder, parts=parts)
    (folder / "optimizer.bin").write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"optimizer\.bin: File is not a zip file"):
        load_checkpoint(accelerator, folder, parts=parts)


@pytest.mark.parametrize("content", [7, [], {"schedule": "x"}, {"schedule": None}, {"identity": "x"}])
def test_a_state_of_another_kind_is_refused(trained, content):
    accelerator, folder, parts = trained
    (folder / "state.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="checkpoint-1 must be a whole checkpoint of this run"):
        load_checkpoint(accelerator, folder, parts=parts, identity={"data": "ab12"})
