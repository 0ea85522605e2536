"""The list of a split's examples, checked against its poses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from signdiff_slp.corpora import table
from signdiff_slp.corpora.table import Row as Example
from signdiff_slp.datasets.text_pose.error import CorpusError

__all__ = ["Example", "open_poses", "read_manifest"]


def read_manifest(data_dir: Path, split: str, pose_dim: int | None = None) -> list[Example]:
    """Read ``{split}.tsv``: a line for each example with its name, first frame, number of frames, and text.

    Args:
        data_dir: the corpus.
        split: the split.
        pose_dim: as for `open_poses`.

    Raises:
        CorpusError: there is no line, one has other columns, is not in UTF-8, or points outside
            ``{split}.poses.npy``.
    """
    try:
        return table.read_table(data_dir, split, pose_dim)
    except ValueError as error:
        raise CorpusError(str(error)) from error


def open_poses(data_dir: Path, split: str, pose_dim: int | None = None) -> NDArray[np.float32]:
    """Map ``{split}.poses.npy`` into memory.

    Args:
        data_dir: the corpus.
        split: the split.
        pose_dim: values of a frame, D; any number of joints by 3 if it is not given.

    Returns:
        (sum of T, D) float32.

    Raises:
        CorpusError: the file is missing, or holds something else.
    """
    try:
        return table.open_poses(data_dir, split, pose_dim)
    except ValueError as error:
        raise CorpusError(str(error)) from error
