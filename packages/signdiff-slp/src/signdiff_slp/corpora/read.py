"""Read a corpus back, item by item."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from signdiff_core.skeleton import NUM_JOINTS
from signdiff_slp.corpora.stitch import Hold

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Example:
    """One item of a corpus.

    Attributes:
        name: as in the ``.tsv``.
        text: what is signed; in a fingerspelling corpus letters and single spaces.
        joints: (T, 50, 3) normalised coordinates, float32; a view into the file.
        holds: one for every letter, in order; none where nothing is spelled.
    """

    name: str
    text: str
    joints: NDArray[np.float32]
    holds: tuple[Hold, ...]


def read_split(folder: Path, split: str, *, kind: str | None = None) -> list[Example]:
    """Read a split.

    Args:
        folder: what `fingerspelling.build` or `writer.CorpusWriter` wrote.
        split: train, dev or test.
        kind: word, phrase, string or letter, in a fingerspelling corpus; all kinds if it is not given.

    Returns:
        The items in the file's order. Poses are mapped into memory, not read.

    Raises:
        FileNotFoundError: ``folder`` holds no such split.
        ValueError: the files of the split contradict each other, or ``kind`` is given and the corpus has none.
    """
    table = folder / f"{split}.tsv"
    if not table.is_file():
        raise FileNotFoundError(f"folder must hold {split}.tsv, but {folder} does not.")
    poses = np.load(folder / f"{split}.poses.npy", mmap_mode="r")
    lines = table.read_text(encoding="utf-8").splitlines()
    holds_file = folder / f"{split}.holds.jsonl"
    if holds_file.is_file():
        held = [json.loads(line) for line in holds_file.read_text(encoding="utf-8").splitlines()]
    elif kind is None:
        held = [{"name": line.split("\t")[0], "holds": []} for line in lines]
    else:
        raise ValueError(f"kind must not be given for a corpus that spells nothing, but is {kind!r}.")
    if len(lines) != len(held):
        raise ValueError(f"{split}.tsv and {split}.holds.jsonl must be as long, but have {len(lines)} and {len(held)}.")
    examples = []
    for number, (line, entry) in enumerate(zip(lines, held, strict=True), start=1):
        name, offset, frames, text = line.split("\t")
        if entry["name"] != name:
            raise ValueError(f"{split}.holds.jsonl:{number} must be of {name}, but is of {entry['name']}.")
        if kind is not None and name.split("-")[1] != kind:
            continue
        joints = poses[int(offset) : int(offset) + int(frames)].reshape(-1, NUM_JOINTS, 3)
        holds = tuple(Hold(letter=letter, start=start, end=end) for letter, start, end in entry["holds"])
        examples.append(Example(name=name, text=text, joints=joints, holds=holds))
    return examples
