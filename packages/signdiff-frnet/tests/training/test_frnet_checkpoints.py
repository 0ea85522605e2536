"""Checkpoints are on the disk before they count."""

import errno
import os
import resource

import pytest
import torch
from accelerate import Accelerator

from signdiff_frnet.training.checkpoints import list_checkpoints, load_checkpoint, save_checkpoint


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
