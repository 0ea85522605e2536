"""Looks for values in a split's poses that no model can learn from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from fairseq2.gang import Gangs, ReduceOperation
from numpy.typing import NDArray

from signdiff_core.formats.coordinates import LARGEST
from signdiff_slp.datasets.text_pose.error import CorpusError
from signdiff_slp.datasets.text_pose.manifest import Example, open_poses

MAX_NAMED: Final = 10
"""How many examples an error names."""

_CHUNK: Final = 8192


def check_finite(data_dir: Path, split: str, examples: Sequence[Example], gangs: Gangs) -> None:
    """Make sure that all poses of a split are finite, and coordinates.

    The poses are read once, a few megabytes at a time, and each rank reads its share of them.

    Args:
        data_dir: the corpus.
        split: the split.
        examples: all examples of the split.
        gangs: who else reads.

    Raises:
        CorpusError: on every rank, if there is NaN, infinity or a number beyond a million anywhere; says in how many
            examples, and names some.
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
    if names:
        where = f"{len(names)} of {len(examples)} examples: {', '.join(names[:MAX_NAMED])}"
        where += f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    else:
        where = f"{len(wrong_frames)} frames, though in no example"
    raise CorpusError(
        f"{data_dir / split}.poses.npy must be finite, but holds NaN, infinity or numbers beyond {LARGEST} in {where}. "
        f"Repair these poses, or leave them out of both {split}.tsv and {split}.poses.npy."
    )


def _holds_any(example: Example, frames: NDArray[np.int64]) -> bool:
    first, last = np.searchsorted(frames, [example.offset, example.offset + example.num_frames])
    return bool(first < last)
