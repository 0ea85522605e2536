"""A corpus from a folder of poses of any format and skeleton that can be read, and of what they say.

Each clip is brought to the 50 joints, with head and face if they are wanted (`signdiff_core.sources`), normalised,
made whole and brought to one frame rate (`filling`). MediaPipe's depth is in a unit of its own: hands and arms get the
factors that make bone lengths most constant (`depth`) over a sample of the clips, unless they are given.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core import formats
from signdiff_core.formats.dispatch import takes
from signdiff_core.formats.files import iter_lines
from signdiff_core.landmarks import Landmarks, has_loose_depth, landmarks_of
from signdiff_core.provenance import FOLDER_MARK, read_mark
from signdiff_core.skeleton import BODY_HANDS_FACE, HAND_LIMBS, LEFT_HAND, OPENPOSE50, RIGHT_HAND, Skeleton
from signdiff_core.sources import read_pose
from signdiff_slp.corpora.depth import ARM_LIMBS, depth_factor, shoulder_width, with_depth
from signdiff_slp.corpora.filling import fill_absent, never_seen, resample
from signdiff_slp.corpora.writer import SPLITS, CorpusWriter, Report
from signdiff_slp.prepare.checks.table import check_table

MAX_TEXT: Final = 1 << 20
"""Largest file of one clip's text that is read, in bytes."""

_TEXTS: Final = (".txt", ".tsv")

SAMPLE: Final = 40
"""Clips on which depth is measured."""

_ARMS: Final = ((2, 3, 4), (5, 6, 7))
_LARGEST: Final = {"hand": 20.0, "arm": 5.0}


@dataclass(frozen=True, kw_only=True)
class Source:
    """One clip to import, and what it says; its name is its path in the folder, without suffix.

    ``paths`` are the files, and folders of OpenPose JSON, of this name: one of them is a pose. ``split`` is empty if
    nothing tells.
    """

    name: str
    text: str
    paths: tuple[Path, ...]
    split: str = ""


def list_table(folder: Path, table: Path) -> list[Source]:
    """List the clips of a table: lines of name, text and, if wanted, split, divided by tabs, without a header.

    Names are paths in ``folder``, with or without the suffix of the file. Raises a ``FileNotFoundError`` if there is no
    such folder or table, a ``ValueError`` if the table is empty, a line is broken or not in UTF-8, or some lines have a
    split and others none.
    """
    check_table(table)
    found = _index(folder)
    sources = []
    for number, line in enumerate(iter_lines(table), start=1):
        columns = line.split("\t")
        if len(columns) not in (2, 3) or not columns[0].strip():
            shown = f"{columns!r:.200}"
            raise ValueError(f"{table}:{number} must hold a name, a text and maybe a split, but holds {shown}.")
        split = columns[2] if len(columns) == 3 else ""
        if len(columns) == 3 and split not in SPLITS:
            raise ValueError(f"{table}:{number} must name the split {' or '.join(SPLITS)}, but names {split!r:.100}.")
        name = columns[0].strip()
        key = name if name in found or not Path(name).name else str(Path(name).with_suffix(""))
        paths = tuple(path for path in found.get(key, ()) if path.suffix.lower() not in _TEXTS)
        sources.append(Source(name=name, text=columns[1], paths=paths, split=split))
    if not sources:
        raise ValueError(f"{table} must hold a line for each clip, but is empty.")
    if len({bool(source.split) for source in sources}) > 1:
        raise ValueError(f"{table} must name a split in every line or in none, but names one in some.")
    return sources


def list_beside(folder: Path) -> list[Source]:
    """List the clips of a folder with their texts in ``NAME.txt`` beside them; the text of a clip without is empty.

    A ``ValueError`` says if it holds no pose, or a text is not in UTF-8, or larger than `MAX_TEXT`.
    """
    sources = []
    for name, paths in sorted(_index(folder).items()):
        texts = [path for path in paths if path.suffix.lower() == ".txt"]
        poses = tuple(path for path in paths if path.suffix.lower() not in _TEXTS)
        if poses:
            text = " ".join(_read_text(texts[0]).split()) if texts else ""
            sources.append(Source(name=name, text=text, paths=poses))
    if not sources:
        raise ValueError(f"folder must hold poses with their texts beside them, but {folder} holds none.")
    return sources


def divide(sources: Sequence[Source], fractions: tuple[float, float, float], *, seed: int = 0) -> list[Source]:
    """Give every clip a split, by shares of the texts. Clips that say the same come to the same split.

    A ``ValueError`` says if shares are negative or do not sum to 1.
    """
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
        raise ValueError(f"fractions must be at least 0 and sum to 1, but are {fractions}.")
    texts = sorted({source.text for source in sources})
    order = np.random.default_rng(seed).permutation(len(texts))
    borders = np.round(np.cumsum(fractions) * len(texts)).astype(int)
    split_of = {}
    for split, start, end in zip(SPLITS, (0, *borders[:-1]), borders, strict=True):
        split_of.update({texts[place]: split for place in order[start:end]})
    return [replace(source, split=split_of[source.text]) for source in sources]


def _index(folder: Path) -> dict[str, list[Path]]:
    """All files and all folders below ``folder`` but hidden ones and marks, by their path in it without the suffix."""
    if not folder.is_dir():
        wrong = "is a file" if folder.exists() else "does not exist"
        raise FileNotFoundError(f"folder must be one of poses, but {folder} {wrong}.")
    found: dict[str, list[Path]] = {}
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        # Frames of an OpenPose clip are no clips of their own.
        files = [file for file in files if not file.endswith("_keypoints.json") and not file.startswith(".")]
        marks = {FOLDER_MARK, *(f"{file}.json" for file in files)}
        files = [file for file in files if file not in marks]
        if Path(root) != folder and not files and not folders:
            name = Path(root).relative_to(folder).as_posix()
            found.setdefault(name, []).append(Path(root))
        for file in sorted(files):
            path = Path(root, file)
            found.setdefault(path.relative_to(folder).with_suffix("").as_posix(), []).append(path)
    return found


def _read_text(path: Path) -> str:
    size = path.stat().st_size
    if size > MAX_TEXT:
        raise ValueError(f"{path} must be at most {MAX_TEXT} bytes, but is {size}.")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}:{line} must be text in UTF-8, but holds the byte 0x{error.object[error.start]:02x}."
        ) from error


def import_poses(
    sources: Sequence[Source],
    output: Path,
    *,
    fps: float = 25.0,
    source_fps: float | None = None,
    depth: tuple[float, float] | None = None,
    skeleton: Skeleton = OPENPOSE50,
    progress: Callable[[Iterable[Source]], Iterable[Source]] | None = None,
) -> Report:
    """Make a new corpus of poses; those without a split come to train, and the report says what was left out.

    Clips of another rate than ``fps`` are resampled; ``source_fps`` is that of files whose format does not tell, such
    as OpenPose JSON; 25 if not given. ``depth`` is in shoulder widths per unit of MediaPipe's depth in hands and in
    arms, (0, 0) for poses without depth; measured if not given. With `BODY_HANDS_FACE` as ``skeleton``, clips without a
    face are left out. ``progress`` wraps the clips. Raises a
    ``FileExistsError`` if ``output`` holds something, a ``ValueError`` if no clip is left.
    """
    hand, arm = depth if depth is not None else measure_depth(sources, source_fps=source_fps)
    origin = {
        "format": "poses",
        "fps": fps,
        "depth": {"hand": round(hand, 3), "arm": round(arm, 3), "measured": depth is None},
    }
    with CorpusWriter(output, origin, skeleton) as writer:
        for source in sources if progress is None else progress(sources):
            try:
                path, landmarks, rate, normal, notes = _read(source, source_fps, skeleton)
                if not normal:
                    landmarks = with_depth(landmarks, hand=hand, arm=arm)
                    joints = formats.normalise(landmarks.joints, landmarks.confidence)
                else:
                    joints = landmarks.joints
                whole = resample(fill_absent(joints, landmarks.confidence), rate, fps)
                absent = float((landmarks.confidence == 0).mean())
                if unknown := never_seen(landmarks.confidence):
                    notes.append(f"{unknown} points of head and face are in no frame: others stand in")
                split, mark = source.split or "train", read_mark(path)
                writer.add(split, source.name, source.text, whole, filled=absent, mark=mark)
            except ValueError as error:
                writer.leave_out(source.name, str(error))
            else:
                writer.report.notes += [(source.name, note) for note in notes]
    return writer.report


def measure_depth(sources: Sequence[Source], *, source_fps: float | None = None) -> tuple[float, float]:
    """Find the factors of MediaPipe's depth on a sample of clips, spread over all.

    They are shoulder widths per unit of depth in hands and in arms; 0 where no frame tells. Clips that cannot be read,
    or have no loose depth, are passed over.
    """
    hands: list[NDArray[np.float64]] = []
    arms: list[NDArray[np.float64]] = []
    limbs: Sequence[tuple[int, int]] = ARM_LIMBS
    for index in np.unique(np.linspace(0, len(sources) - 1, min(len(sources), SAMPLE)).astype(int)):
        try:
            _, landmarks, *_ = _read(sources[int(index)], source_fps, OPENPOSE50)
            if landmarks.loose_depth:
                width = np.array([shoulder_width(landmarks)] * 2 + [1.0])
                hands += [_seen(landmarks, range(part.start, part.stop)) / width for part in (LEFT_HAND, RIGHT_HAND)]
                arms += [_seen(landmarks, arm) / width for arm in _ARMS]
                if not landmarks.wrist_depth:
                    limbs = ARM_LIMBS[:1]
        except ValueError:
            continue  # importing it will say why
    return _factor(hands, HAND_LIMBS, _LARGEST["hand"]), _factor(arms, limbs, _LARGEST["arm"])


def _factor(parts: list[NDArray[np.float64]], limbs: Sequence[tuple[int, int]], largest: float) -> float:
    points = np.concatenate(parts) if parts else np.zeros((0, 1, 3))
    return depth_factor(points, limbs, largest=largest) if len(points) > 1 else 0.0


def _seen(landmarks: Landmarks, joints: Sequence[int]) -> NDArray[np.float64]:
    part = list(joints)
    return landmarks.joints[(landmarks.confidence[:, part] > 0).all(axis=1)][:, part]


def _read(
    source: Source, source_fps: float | None, skeleton: Skeleton
) -> tuple[Path, Landmarks, float, bool, list[str]]:
    """The file or folder, landmarks, frame rate, whether they are normalised, and what is to be noted."""
    readable: list[tuple[Path, formats.PoseFileFormat]] = []
    for path in source.paths:
        try:
            readable.append((path, formats.format_for(path, "read")))
        except formats.FormatError:
            continue
    if len(readable) != 1:
        named = " and ".join(path.name for path, _ in readable) or "none"
        raise ValueError(f"there must be one pose of this name, but there is {named}.")
    (path, chosen) = readable[0]
    rate = source_fps if takes(chosen.read, "fps") else None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # A file is taken as it is: its depth has the unit that the factors are in.
        pose = chosen.read(path) if chosen.name == "pose" else read_pose(path, format=chosen.name, fps=rate)
        if pose.body.data.shape[1] > 1:
            pose = read_pose(path)
    notes = [str(warning.message) for warning in caught if issubclass(warning.category, formats.FormatWarning)]
    try:
        landmarks = landmarks_of(pose, face=skeleton is BODY_HANDS_FACE)
        if not landmarks.loose_depth and has_loose_depth(pose):
            landmarks.joints[..., 2] /= pose.header.dimensions.width
            landmarks = replace(landmarks, loose_depth=True)
    except ValueError as error:
        raise formats.FormatError(path, str(error)) from error
    normal = not landmarks.loose_depth and formats.is_normalised(pose)
    return path, landmarks, float(pose.body.fps), normal, notes
