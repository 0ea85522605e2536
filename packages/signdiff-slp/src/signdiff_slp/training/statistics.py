"""Measures a corpus for the model's standardiser."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch

from signdiff_slp.datasets.text_pose import open_poses, read_manifest
from signdiff_slp.models.progressive import PoseStandardizer, bone_lengths
from signdiff_slp.models.progressive.standardizer import MIN_SPREAD, as_joints, hands_to_wrists

_MAX_FRAMES: Final = 200_000


@torch.no_grad()
def fit_standardizer(standardizer: PoseStandardizer, data_dir: Path, split: str) -> None:
    """Set the standardiser's buffers from a split.

    The mean, the spread of each joint (the root of the mean variance of its x, y and z, at least ``MIN_SPREAD``), the
    rest pose (the mean first frame) and the median length of every limb. Of a very large split, every n-th frame is
    measured.

    Args:
        standardizer: is changed in place.
        data_dir: the corpus.
        split: its training split.

    Raises:
        DatasetError: the split cannot be read.
    """
    poses = open_poses(data_dir, split)
    sample = torch.from_numpy(np.array(poses[:: max(1, len(poses) // _MAX_FRAMES)]))
    first = torch.from_numpy(np.array(poses[[example.offset for example in read_manifest(data_dir, split)]]))

    values = hands_to_wrists(sample, standardizer.skeleton).double()
    variance = as_joints(values.var(dim=0, correction=0))
    spread = variance.mean(-1).sqrt().clamp(min=MIN_SPREAD).repeat_interleave(3)

    standardizer.mean.copy_(values.mean(0))
    standardizer.spread.copy_(spread)
    standardizer.rest.copy_(first.double().mean(0))
    standardizer.bone_lengths.copy_(bone_lengths(as_joints(sample), standardizer.skeleton).median(0).values)
