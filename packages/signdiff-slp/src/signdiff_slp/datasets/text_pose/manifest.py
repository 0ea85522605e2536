"""The list of a split's examples, checked against its poses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from signdiff_slp.datasets.text_pose.error import CorpusError


@dataclass(frozen=True)
class Example:
    """One line of a manifest."""

    id: str
    offset: int
    num_frames: int
    text: str


def read_manifest(data_dir: Path, split: str, pose_dim: int | None = None) -> list[Example]:
    """Read ``{split}.tsv``: a line for each example with its name, first frame, number of frames, and text.

    Args:
        data_dir: the corpus.
        split: the split.
        pose_dim: as for `open_poses`.

    Raises:
        CorpusError: there is no line, one has other columns, or points outside ``{split}.poses.npy``.
    """
    path = data_dir / f"{split}.tsv"
    if path.is_file() and not path.stat().st_size:
        raise CorpusError(f"{path} must hold a line for each example, but is empty.")
    num_frames = open_poses(data_dir, split, pose_dim).shape[0]
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
    path = data_dir / f"{split}.poses.npy"
    try:
        poses: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as ex:
        raise CorpusError(f"{path} must be a NumPy array of poses, but cannot be read: {ex}.") from ex
    fits = poses.ndim == 2 and (poses.shape[1] == pose_dim or (pose_dim is None and poses.shape[1] % 3 == 0))
    if not fits or poses.dtype != np.float32:
        wanted = pose_dim or "3 for each joint"
        raise CorpusError(f"{path} must be float32 (frames, {wanted}), but is {poses.dtype} {poses.shape}.")
    return poses
