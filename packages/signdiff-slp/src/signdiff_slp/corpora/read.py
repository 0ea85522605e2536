"""Read a corpus back, item by item."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from signdiff_core.formats.coordinates import LARGEST, outside
from signdiff_core.formats.files import iter_lines
from signdiff_core.skeleton import NUM_JOINTS
from signdiff_slp.corpora.stitch import Hold
from signdiff_slp.corpora.table import open_poses, read_table

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
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
    listed, poses = read_table(folder, split, 3 * NUM_JOINTS), open_poses(folder, split, 3 * NUM_JOINTS)
    if (found := outside(poses)) is not None:
        raise ValueError(
            f"{folder / split}.poses.npy must hold numbers up to {LARGEST}, but frame {found[0]} does not."
        )
    holds_file = folder / f"{split}.holds.jsonl"
    if holds_file.is_file():
        held = [_held(holds_file, number, line) for number, line in enumerate(iter_lines(holds_file), start=1)]
    elif kind is None:
        held = [(example.id, ()) for example in listed]
    else:
        raise ValueError(f"kind must not be given for a corpus that spells nothing, but is {kind!r}.")
    if len(listed) != len(held):
        raise ValueError(f"{holds_file} must be as long as {table}, {len(listed)} lines, but has {len(held)}.")
    examples = []
    for number, (row, (name, holds)) in enumerate(zip(listed, held, strict=True), start=1):
        if name != row.id:
            raise ValueError(f"{holds_file}:{number} must be of {row.id!r:.100}, but is of {name!r:.100}.")
        if any(hold.end > row.num_frames for hold in holds):
            raise ValueError(f"{holds_file}:{number} must hold letters within {row.num_frames} frames, but does not.")
        if kind is not None and kind not in name.split("-")[1:2]:
            continue
        joints = poses[row.offset : row.offset + row.num_frames].reshape(-1, NUM_JOINTS, 3)
        examples.append(Example(name=name, text=row.text, joints=joints, holds=holds))
    return examples


def _held(path: Path, number: int, line: str) -> tuple[str, tuple[Hold, ...]]:
    try:
        entry = json.loads(line)
        holds = tuple(Hold(letter=letter, start=start, end=end) for letter, start, end in entry["holds"])
        name = entry["name"]
        right = isinstance(name, str) and all(_is_hold(hold) for hold in holds)
    except (ValueError, LookupError, TypeError, RecursionError):
        right = False
    if not right:
        raise ValueError(f"{path}:{number} must hold a name and letters with their frames, but holds {line!r:.100}.")
    return name, holds


def _is_hold(hold: Hold) -> bool:
    return (
        isinstance(hold.letter, str)
        and type(hold.start) is int
        and type(hold.end) is int
        and 0 <= hold.start < hold.end
    )
