"""Checkpoints are on the disk before they count."""

import errno
import os
import resource

import pytest
import torch
from accelerate import Accelerator

from signdiff_eval.training.checkpoints import list_checkpoints, save_checkpoint


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
