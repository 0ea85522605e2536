"""A split's files as fairseq2's datasets see them: what is wrong with them is a `CorpusError`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import torch
from fairseq2.datasets import DatasetError
from fairseq2.gang import Gangs, ReduceOperation
from numpy.typing import NDArray

from signdiff_core.formats.coordinates import LARGEST
from signdiff_slp.corpora import read
from signdiff_slp.corpora.read import Row as Example
from signdiff_slp.text import listed

_CHUNK: Final = 8192


class CorpusError(DatasetError):
    """A corpus cannot be read, and its message says why: which file or setting, what it must hold, what it holds."""


@contextmanager
def corpus_errors() -> Iterator[None]:
    """Raise a ``ValueError`` of what is done as a `CorpusError`, which recipes print in one line."""
    try:
        yield
    except ValueError as error:
        raise CorpusError(str(error)) from error


def read_manifest(data_dir: Path, split: str, pose_dim: int | None = None) -> list[Example]:
    """List the examples of ``{split}.tsv``, as `signdiff_slp.corpora.read.read_table` does."""
    with corpus_errors():
        return read.read_table(data_dir, split, pose_dim)


def open_poses(data_dir: Path, split: str, pose_dim: int | None = None) -> NDArray[np.float32]:
    """Map ``{split}.poses.npy``, (sum of T, D) float32, as `signdiff_slp.corpora.read.open_poses` does."""
    with corpus_errors():
        return read.open_poses(data_dir, split, pose_dim)


def check_finite(data_dir: Path, split: str, examples: Sequence[Example], gangs: Gangs) -> None:
    """Make sure that all poses of a split, of which ``examples`` are all, are finite, and coordinates.

    The poses are read once, a few megabytes at a time, and each rank reads its share of them. A `CorpusError`, on every
    rank, says in how many examples there is NaN, infinity or a number beyond a million, and names some.
    """
    poses = open_poses(data_dir, split)
    marks = torch.zeros(len(poses), dtype=torch.int32)
    for start in range(gangs.dp.rank * _CHUNK, len(poses), gangs.dp.size * _CHUNK):
        # NaN compares as false, and so is wrong.
        wrong = ~(np.abs(poses[start : start + _CHUNK]) <= LARGEST).all(axis=1)
        marks[start : start + _CHUNK] = torch.from_numpy(wrong)
    marks = marks.to(gangs.device)
    gangs.dp.all_reduce(marks, ReduceOperation.SUM)

    wrong_frames = marks.cpu().numpy().nonzero()[0]
    if not len(wrong_frames):
        return
    names = [example.id for example in examples if _holds_any(example, wrong_frames)]
    where = f"{len(wrong_frames)} frames, though in no example"
    if names:
        where = f"{len(names)} of {len(examples)} examples: {listed(names)}"
    raise CorpusError(
        f"{data_dir / split}.poses.npy must be finite, but holds NaN, infinity or numbers beyond {LARGEST} in {where}. "
        f"Repair these poses, or leave them out of both {split}.tsv and {split}.poses.npy."
    )


def _holds_any(example: Example, frames: NDArray[np.int64]) -> bool:
    first, last = np.searchsorted(frames, [example.offset, example.offset + example.num_frames])
    return bool(first < last)
