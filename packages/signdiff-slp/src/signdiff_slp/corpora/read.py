"""Read a corpus: the table and the poses of a split, its clips one by one, and its frame rate."""

from __future__ import annotations

import json
import math
import re
import tokenize
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core.formats.coordinates import LARGEST, outside
from signdiff_core.formats.files import iter_lines
from signdiff_core.skeleton import BODY_HANDS_FACE, NUM_JOINTS

MAX_REPORT: Final = 1 << 28
"""Largest ``report.json`` that is read, in bytes."""

_NUMBER: Final = re.compile(r"[0-9]{1,18}")

_BROKEN: Final = (
    *(ArithmeticError, EOFError, LookupError, MemoryError, OSError, RuntimeError, SyntaxError, TypeError, ValueError),
    *(tokenize.TokenError, zipfile.BadZipFile),
)
"""What NumPy raises for broken files."""


@dataclass(frozen=True)
class Row:
    """One line of a table: a clip's name, its first frame, its number of frames, and its text."""

    id: str
    offset: int
    num_frames: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Hold:
    """When a letter is held (or, for j and z, moved): from frame ``start`` to the one before ``end``."""

    letter: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class CorpusClip:
    """One clip of a corpus: joints (T, 50 or 124, 3) normalised, float32, a view into the file.

    In a fingerspelling corpus the text is letters and single spaces, and there is a hold for every letter, in order.
    """

    name: str
    text: str
    joints: NDArray[np.float32]
    holds: tuple[Hold, ...]


def read_split(folder: Path, split: str, *, kind: str | None = None) -> list[CorpusClip]:
    """Read a split that `fingerspelling.build` or `CorpusWriter` wrote, in its order; poses are mapped, not read.

    ``kind`` is word, phrase, string or letter, in a fingerspelling corpus; all kinds if it is not given. Raises a
    ``FileNotFoundError`` if there is no such split, a ``ValueError`` if its files contradict each other, or ``kind`` is
    given and the corpus has none.
    """
    table = folder / f"{split}.tsv"
    if not table.is_file():
        raise FileNotFoundError(f"folder must hold {split}.tsv, but {folder} does not.")
    poses = open_poses(folder, split)
    num_joints = BODY_HANDS_FACE.num_joints if poses.shape[1] == 3 * BODY_HANDS_FACE.num_joints else NUM_JOINTS
    listed, poses = read_table(folder, split, 3 * num_joints), open_poses(folder, split, 3 * num_joints)
    if (found := outside(poses)) is not None:
        raise ValueError(
            f"{folder / split}.poses.npy must hold numbers up to {LARGEST}, but frame {found[0]} does not."
        )
    holds_file = folder / f"{split}.holds.jsonl"
    if holds_file.is_file():
        held = [_read_holds(holds_file, number, line) for number, line in enumerate(iter_lines(holds_file), start=1)]
    elif kind is None:
        held = [(row.id, ()) for row in listed]
    else:
        raise ValueError(f"kind must not be given for a corpus that spells nothing, but is {kind!r}.")
    if len(listed) != len(held):
        raise ValueError(f"{holds_file} must be as long as {table}, {len(listed)} lines, but has {len(held)}.")
    clips = []
    for number, (row, (name, holds)) in enumerate(zip(listed, held, strict=True), start=1):
        if name != row.id:
            raise ValueError(f"{holds_file}:{number} must be of {row.id!r:.100}, but is of {name!r:.100}.")
        if any(hold.end > row.num_frames for hold in holds):
            raise ValueError(f"{holds_file}:{number} must hold letters within {row.num_frames} frames, but does not.")
        if kind is not None and kind not in name.split("-")[1:2]:
            continue
        joints = poses[row.offset : row.offset + row.num_frames].reshape(-1, num_joints, 3)
        clips.append(CorpusClip(name=name, text=row.text, joints=joints, holds=holds))
    return clips


def _read_holds(path: Path, number: int, line: str) -> tuple[str, tuple[Hold, ...]]:
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
    kinds = (type(hold.letter), type(hold.start), type(hold.end))
    return kinds == (str, int, int) and 0 <= hold.start < hold.end


def read_table(data_dir: Path, split: str, pose_dim: int | None = None) -> list[Row]:
    """Read ``{split}.tsv``: a line for each clip with its name, first frame, number of frames, and text.

    A ``ValueError`` says if there is no line, one has other columns, is not in UTF-8, or points outside
    ``{split}.poses.npy``.
    """
    path = data_dir / f"{split}.tsv"
    if path.is_file() and not path.stat().st_size:
        raise ValueError(f"{path} must hold a line for each example, but is empty.")
    num_frames = open_poses(data_dir, split, pose_dim).shape[0]
    rows = []
    for number, line in enumerate(iter_lines(path), start=1):
        columns = line.split("\t")
        if len(columns) != 4 or not columns[0] or not all(map(_NUMBER.fullmatch, columns[1:3])):
            found = f"{columns!r:.200}"
            raise ValueError(f"{path}:{number} must hold a name, two numbers and a text, but holds {found}.")
        row = Row(columns[0], int(columns[1]), int(columns[2]), columns[3])
        if row.num_frames < 1 or row.offset + row.num_frames > num_frames:
            raise ValueError(
                f"{path}:{number} must lie within the {num_frames} frames of {split}.poses.npy, but starts at "
                f"{row.offset} with {row.num_frames} frames."
            )
        rows.append(row)
    return rows


def open_poses(data_dir: Path, split: str, pose_dim: int | None = None) -> NDArray[np.float32]:
    """Map ``{split}.poses.npy``, (sum of T, D) float32, into memory; a ``ValueError`` if it is something else.

    D is ``pose_dim``; any number of joints by 3 if it is not given.
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


def corpus_rate(folder: Path) -> float | None:
    """Find the frames per second that ``report.json`` tells, as those of ``corpus poses`` and ``prepare`` do.

    ``None`` where nothing tells. A ``ValueError`` says if the file is broken, or its rate is no positive number.
    """
    path = folder / "report.json"
    if not path.is_file():
        return None
    if (size := path.stat().st_size) > MAX_REPORT:
        raise ValueError(f"{path} must be at most {MAX_REPORT} bytes, but is {size}.")
    try:
        report = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} must be JSON, but is not: {error!s:.100}.") from error
    for content in (report, report.get("settings") if isinstance(report, dict) else None):
        if isinstance(content, dict) and "fps" in content:
            rate = content["fps"]
            if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < math.inf:
                raise ValueError(f"{path} must tell a positive frame rate in fps, but tells {rate!r:.100}.")
            return float(rate)
    return None
