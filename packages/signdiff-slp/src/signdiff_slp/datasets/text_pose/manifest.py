"""The list of a split's examples, checked against its poses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from signdiff_slp.datasets.text_pose.error import CorpusError

POSE_DIM = 150


@dataclass(frozen=True)
class Example:
    """One line of a manifest."""

    id: str
    offset: int
    num_frames: int
    text: str


def read_manifest(data_dir: Path, split: str) -> list[Example]:
    """Read ``{split}.tsv``: a line for each example with its name, first frame, number of frames, and text.

    Raises:
        CorpusError: there is no line, one has other columns, or points outside ``{split}.poses.npy``.
    """
    path = data_dir / f"{split}.tsv"
    if path.is_file() and not path.stat().st_size:
        raise CorpusError(f"{path} must hold a line for each example, but is empty.")
    num_frames = open_poses(data_dir, split).shape[0]
    examples = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            columns = line.rstrip("\n").split("\t")
            if len(columns) != 4 or not columns[1].isdecimal() or not columns[2].isdecimal():
                raise CorpusError(f"{path}:{number} must hold a name, two numbers and a text, but holds {columns}.")
            example = Example(columns[0], int(columns[1]), int(columns[2]), columns[3])
            if example.num_frames < 1 or example.offset + example.num_frames > num_frames:
                raise CorpusError(
                    f"{path}:{number} must lie within the {num_frames} frames of {split}.poses.npy, but starts at "
                    f"{example.offset} with {example.num_frames} frames."
                )
            examples.append(example)
    return examples


def open_poses(data_dir: Path, split: str) -> NDArray[np.float32]:
    """Map ``{split}.poses.npy`` into memory.

    Returns:
        (sum of T, 150) float32.

    Raises:
        CorpusError: the file is missing, or holds something else.
    """
    path = data_dir / f"{split}.poses.npy"
    try:
        poses: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as ex:
        raise CorpusError(f"{path} must be a NumPy array of poses, but cannot be read: {ex}.") from ex
    if poses.ndim != 2 or poses.shape[1] != POSE_DIM or poses.dtype != np.float32:
        raise CorpusError(f"{path} must be float32 (frames, {POSE_DIM}), but is {poses.dtype} {poses.shape}.")
    return poses
