"""Poses with their texts: what a back translator is trained and scored on."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from signdiff_eval.provenance import generator_of
from signdiff_eval.readers import PoseFormats, PoseSequence
from signdiff_eval.readers.poses import MAX_COORDINATE
from signdiff_eval.readers.texts import lines_of, read_text, read_texts

CORPUS_FPS = 25.0
"""Frame rate of a corpus with ``.tsv`` and ``.npy`` files, which do not state it."""


@dataclass(frozen=True, slots=True)
class Example:
    """A pose and what it means: joints (T, J, C) float32, NaN where one is absent throughout, and the text.

    ``skeleton`` names the joints; it is empty where the files have no names.
    """

    name: str
    text: str
    joints: NDArray[np.float32]
    fps: float
    skeleton: tuple[str, ...]

    def at(self, fps: float) -> NDArray[np.float32]:
        """Give the joints at a frame rate, (T', J, C) float32."""
        moved = PoseSequence(self.name, np.asarray(self.joints), self.fps, self.skeleton, 0).resampled(fps)
        return moved.joints.astype(np.float32, copy=False)


def read_examples(
    data: Path,
    texts: str | Path | None = None,
    *,
    split: str = "train",
    formats: PoseFormats | None = None,
    option: str = "texts",
) -> list[Example]:
    """Read poses and their texts.

    The data are a file of a registered format, a folder of such files (its entries, not what lies deeper), or a corpus
    folder with ``<split>.tsv`` and ``<split>.poses.npy``, which needs no ``texts``; ``option`` is what errors call
    these. A ValueError if a pose carries a generator's mark, files are broken, or poses and texts don't fit each other.
    """
    if not data.exists():
        raise FileNotFoundError(f"{data} must be a file or a folder of poses, but does not exist.")
    if (data / f"{split}.tsv").is_file():
        if texts is not None:
            raise ValueError(f"{option} must not be given with a corpus, whose {split}.tsv holds them.")
        return _corpus(data, split)
    if texts is None:
        raise ValueError(f"{option} must be given, for {data} is not a corpus with {split}.tsv.")
    sequences = list(_sequences(data, formats or PoseFormats()))
    if not sequences:
        raise ValueError(f"{data} must hold poses in a known format, but holds none.")
    return [
        Example(name, text, sequence.joints.astype(np.float32), sequence.fps, sequence.skeleton)
        for (name, sequence), text in zip(
            sequences, read_texts(Path(texts), [name for name, _ in sequences]), strict=True
        )
    ]


def training_hash(examples: Sequence[Example]) -> str:
    """Compute the SHA-256, in hexadecimal, of all names, texts and joints in order, which tells training sets apart."""
    digest = hashlib.sha256()
    for example in examples:
        digest.update(f"{example.name}\t{example.text}\t{example.joints.shape}\t{example.fps:g}\n".encode())
        digest.update(np.ascontiguousarray(example.joints, dtype="<f4").data)
    return digest.hexdigest()


def _sequences(data: Path, formats: PoseFormats) -> Iterator[tuple[str, PoseSequence]]:
    folder = data.is_dir() and not formats.matches(data)
    paths = sorted(path for path in data.iterdir() if not path.name.startswith(".")) if folder else [data]
    for path in paths:
        if folder and not formats.matches(path):
            continue
        _refuse_generated(path)
        for sequence in formats.read(path):
            yield sequence.clip or path.stem, sequence


def _refuse_generated(path: Path) -> None:
    generator = generator_of(path)
    if generator is not None:
        raise ValueError(
            f"{path} must be ground truth, but is marked as made by {generator}: "
            "a translator that is trained on a system's output cannot judge systems."
        )


def _corpus(folder: Path, split: str) -> list[Example]:
    table, array = folder / f"{split}.tsv", folder / f"{split}.poses.npy"
    _refuse_generated(array)
    poses = _mapped(array)
    if poses.ndim != 2 or poses.shape[1] % 3 or poses.dtype != np.float32:
        raise ValueError(f"{array} must be float32 (frames, joints * 3), but is {poses.dtype} {poses.shape}.")
    examples = []
    for number, line in enumerate(lines_of(read_text(table)), start=1):
        name, start, frames, text = _row(table, number, line)
        if frames < 1 or start < 0 or start + frames > len(poses):
            raise ValueError(f"{table}:{number} must lie within the {len(poses)} frames of {array.name}.")
        joints = np.asarray(poses[start : start + frames]).reshape(frames, -1, 3)
        if not (np.abs(joints) <= MAX_COORDINATE).all():
            raise ValueError(f"{table}:{number}: {array} must hold numbers up to {MAX_COORDINATE:g}, but does not.")
        examples.append(Example(name, text, joints, CORPUS_FPS, ()))
    return examples


def _mapped(array: Path) -> NDArray[Any]:
    try:
        mapped: NDArray[Any] = np.load(array, mmap_mode="r", allow_pickle=False)
    except (ArithmeticError, EOFError, LookupError, SyntaxError, TypeError, ValueError, TokenError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{array} must be a whole .npy file, but can't be read: {reason:.200}") from error
    if not isinstance(mapped, np.ndarray):  # an archive of arrays
        raise ValueError(f"{array} must be a whole .npy file, but is an archive.")
    return mapped


def _row(table: Path, number: int, line: str) -> tuple[str, int, int, str]:
    try:
        name, start, frames, text = line.split("\t")
        return name, int(start), int(frames), " ".join(text.split())
    except ValueError as error:
        raise ValueError(f"{table}:{number} must be name, first frame, frames and text, by tabs.") from error
