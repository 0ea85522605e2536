"""The table of a split, checked against its poses."""

from __future__ import annotations

import re
import tokenize
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core.formats.files import iter_lines

_NUMBER: Final = re.compile(r"[0-9]{1,18}")

_BROKEN: Final = (
    ArithmeticError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    tokenize.TokenError,
    zipfile.BadZipFile,
)
"""What NumPy raises for broken files."""


@dataclass(frozen=True)
class Row:
    """One line of a table: a clip's name, its first frame, its number of frames, and its text."""

    id: str
    offset: int
    num_frames: int
    text: str


def read_table(data_dir: Path, split: str, pose_dim: int | None = None) -> list[Row]:
    """Read ``{split}.tsv``: a line for each example with its name, first frame, number of frames, and text.

    Args:
        data_dir: the corpus.
        split: the split.
        pose_dim: as for `open_poses`.

    Raises:
        ValueError: there is no line, one has other columns, is not in UTF-8, or points outside
            ``{split}.poses.npy``.
    """
    path = data_dir / f"{split}.tsv"
    if path.is_file() and not path.stat().st_size:
        raise ValueError(f"{path} must hold a line for each example, but is empty.")
    num_frames = open_poses(data_dir, split, pose_dim).shape[0]
    examples = []
    for number, line in enumerate(iter_lines(path), start=1):
        columns = line.split("\t")
        if len(columns) != 4 or not columns[0] or not all(map(_NUMBER.fullmatch, columns[1:3])):
            found = f"{columns!r:.200}"
            raise ValueError(f"{path}:{number} must hold a name, two numbers and a text, but holds {found}.")
        example = Row(columns[0], int(columns[1]), int(columns[2]), columns[3])
        if example.num_frames < 1 or example.offset + example.num_frames > num_frames:
            raise ValueError(
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
        ValueError: the file is missing, or holds something else.
    """
    path = data_dir / f"{split}.poses.npy"
    try:
        poses: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
    except _BROKEN as ex:
        reason = " ".join(str(ex).split()) or type(ex).__name__
        raise ValueError(f"{path} must be a NumPy array of poses, but cannot be read: {reason:.200}.") from ex
    if not isinstance(poses, np.ndarray):
        raise ValueError(f"{path} must be a NumPy array of poses, but is an archive.")
    fits = poses.ndim == 2 and (poses.shape[1] == pose_dim or (pose_dim is None and poses.shape[1] % 3 == 0))
    if not fits or poses.dtype != np.float32:
        wanted = pose_dim or "3 for each joint"
        raise ValueError(f"{path} must be float32 (frames, {wanted}), but is {poses.dtype} {poses.shape}.")
    return poses
