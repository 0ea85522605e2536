"""Write a corpus clip by clip, with no more than one clip in memory.

A folder holds, for each split, ``{split}.tsv`` (a line a clip: name, first frame, number of frames, text) and
``{split}.poses.npy`` ((sum of T, D) float32, all clips one after another; D is 3 times the skeleton's joints, 150 or
372); ``statistics.safetensors`` (``mean`` and ``std``, (D,), of the frames of train); and ``report.json``: what it was
made of, and which clips were left out, why. Where a system made some of the clips, ``generator.json`` marks the corpus
(`signdiff_core.provenance`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self, TextIO

import numpy as np
from numpy.typing import NDArray

from signdiff_core.atomic import replacing
from signdiff_core.checks import check_name
from signdiff_core.formats.coordinates import LARGEST
from signdiff_core.provenance import mark_generated
from signdiff_core.skeleton import NUM_JOINTS, OPENPOSE50, Skeleton
from signdiff_core.wording import by_cause

SPLITS: Final = ("train", "dev", "test")


@dataclass(kw_only=True)
class Report:
    """What came of an import: clips and frames of each split, and the share of its joints that were interpolated.

    ``left_out`` names clips that are not in the corpus, and why; ``notes`` what else is to be known about single clips;
    ``generated`` counts by system the clips that carry a mark.
    """

    clips: dict[str, int] = field(default_factory=dict)
    frames: dict[str, int] = field(default_factory=dict)
    filled: dict[str, float] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    generated: dict[str, int] = field(default_factory=dict)

    def warning(self) -> str:
        """Say which clips a system made; empty if none is marked."""
        if not self.generated:
            return ""
        made = ", ".join(f"{count:,} by {generator:.100}" for generator, count in self.generated.items())
        return (
            f"warning: of {sum(self.clips.values()):,} clips, {sum(self.generated.values()):,} are marked as generated "
            f"({made}): generator.json marks the corpus, and nothing is trained on it."
        )


class CorpusWriter:
    """Makes a corpus, as a context: the folder appears when the block ends well, and not at all if it raises.

    ``folder`` must be new or empty, or a ``FileExistsError`` is raised; ``origin``, what the corpus is made of, goes to
    ``report.json``, and so does the ``skeleton`` of its poses if it is not the 50 joints. At the end of the block, a
    ``ValueError`` says if no clip was added.
    """

    def __init__(self, folder: Path, origin: dict[str, Any], skeleton: Skeleton = OPENPOSE50) -> None:
        self.report = Report()
        self._skeleton = skeleton
        self._folder = folder
        self._origin = origin
        self._splits: dict[str, SplitWriter] = {}
        self._names: set[str] = set()
        self._marks: list[dict[str, Any]] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        self._partial = self._stack.enter_context(replacing(self._folder, folder=True))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for split in self._splits.values():
                split.close()
            if kind is None:
                self._finish()
        except BaseException as failure:
            self._stack.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._stack.__exit__(kind, error, trace)

    @property
    def folder(self) -> Path:
        """Where the corpus grows: what else is to be in it is written here, within the block."""
        return self._partial

    @property
    def splits(self) -> list[str]:
        """The splits that have a clip."""
        return [split for split in SPLITS if split in self._splits]

    def add(
        self,
        split: str,
        name: str,
        text: str,
        joints: NDArray[np.floating],
        *,
        filled: float = 0.0,
        mark: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a clip, (T, J, 3) normalised, J those of the skeleton, of which the share ``filled`` was interpolated.

        It has a ``mark`` where a system made it.

        White space in its text becomes single spaces. Its name is unique in the corpus; a path inside a folder, as
        names become when a corpus is signed. A ``ValueError`` says if it has no frame, no text, a name that is taken,
        or positions that are not finite; the corpus stays as it was.
        """
        text = " ".join(text.split())
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}, but is {split!r}.")
        if not name or name.split() != [name]:
            raise ValueError(f"name must be without white space, but is {name!r}.")
        check_name(name)
        if name in self._names:
            raise ValueError(f"name must be unique in the corpus, but {name!r} is taken.")
        if not text:
            raise ValueError("text must hold something, but is empty.")
        if not len(joints):
            raise ValueError("joints must hold at least one frame, but hold none.")
        broken = ~(np.abs(joints) <= LARGEST).all(axis=(1, 2))
        if broken.any():
            raise ValueError(
                f"joints must be finite and up to {LARGEST}, but are not in {broken.sum()} of {len(joints)} frames, "
                f"from frame {broken.argmax()} on."
            )
        if split not in self._splits:
            self._splits[split] = SplitWriter(self._partial, split, self._skeleton.num_joints)
        self._names.add(name)
        self._splits[split].add(name, text, np.asarray(joints, dtype=np.float32), filled)
        if mark is not None:
            self._marks.append({key: str(value) for key, value in mark.items() if key != "path"})

    def leave_out(self, name: str, reason: str) -> None:
        """Put a clip on the list of those that are not in the corpus."""
        self.report.left_out.append((name, " ".join(reason.split())))

    def _finish(self) -> None:
        if not self._splits:
            causes, count = "; ".join(map(str, by_cause(self.report.left_out))), len(self.report.left_out)
            why = f"all {count:,} were left out: {causes}" if count else "there were none."
            raise ValueError(f"the corpus must hold at least one clip, but {why}")
        for name in SPLITS:
            if name in self._splits:
                split = self._splits[name]
                self.report.clips[name], self.report.frames[name] = split.clips, split.frames
                self.report.filled[name] = split.filled / split.frames
        if "train" in self._splits:
            self._splits["train"].write_statistics(self._partial / "statistics.safetensors")
        if self._marks:
            self.report.generated = dict(Counter(mark["generator"] for mark in self._marks))
            shared = set.intersection(*(set(mark.items()) for mark in self._marks))
            mark_generated(self._partial, **{**dict(shared), "generator": ", ".join(self.report.generated)})
        left_out = [{"clip": clip, "reason": reason} for clip, reason in self.report.left_out]
        notes = [{"clip": clip, "note": note} for clip, note in self.report.notes]
        splits = {
            name: {
                "clips": self.report.clips[name],
                "frames": self.report.frames[name],
                "filled": round(self.report.filled[name], 6),
            }
            for name in self.report.clips
        }
        skeleton = {} if self._skeleton is OPENPOSE50 else {"skeleton": self._skeleton.name}
        content = {**self._origin, **skeleton, "splits": splits, "left_out": left_out, "notes": notes}
        text = json.dumps(content, ensure_ascii=False, indent=2)
        (self._partial / "report.json").write_text(f"{text}\n", encoding="utf-8")


class SplitWriter:
    """The two files of a split in ``folder`` while they grow, and the mean and spread of its values."""

    def __init__(self, folder: Path, split: str, num_joints: int = NUM_JOINTS) -> None:
        self.clips = self.frames = 0
        self._values = 3 * num_joints
        self.filled = 0.0
        self._table: TextIO = (folder / f"{split}.tsv").open("w", encoding="utf-8", newline="\n")
        self._poses: BinaryIO = (folder / f"{split}.poses.npy").open("wb")
        self._write_header()
        self._start = self._poses.tell()
        self._mean = np.zeros(self._values)
        self._squares = np.zeros(self._values)

    def add(self, name: str, text: str, joints: NDArray[np.float32], filled: float = 0.0) -> None:
        """Append a clip: joints (T, J, 3), and which share of them was interpolated."""
        count = len(joints)
        values = np.ascontiguousarray(joints.reshape(count, self._values))
        self._table.write(f"{name}\t{self.frames}\t{count}\t{text}\n")
        self._poses.write(values.tobytes())
        # Chan et al.'s update of mean and squared deviations, which does not cancel as sums of squares do.
        mean = values.mean(axis=0, dtype=np.float64)
        total = self.frames + count
        self._squares += ((values - mean) ** 2).sum(axis=0) + (mean - self._mean) ** 2 * self.frames * count / total
        self._mean += (mean - self._mean) * count / total
        self.clips += 1
        self.frames = total
        self.filled += filled * count

    def close(self) -> None:
        """Finish the files; the poses are whole only now."""
        self._table.close()
        self._poses.seek(0)
        self._write_header()
        # NumPy leaves room in the header for the number of frames to grow.
        if self._poses.tell() != self._start:
            raise RuntimeError("the header of the poses must keep its length, but does not.")
        self._poses.close()

    def write_statistics(self, path: Path) -> None:
        """Write ``mean`` and ``std``, (D,) float32, of all frames."""
        write_statistics(path, self._mean, np.sqrt(self._squares / self.frames))

    def _write_header(self) -> None:
        header = {"descr": "<f4", "fortran_order": False, "shape": (self.frames, self._values)}
        np.lib.format.write_array_header_1_0(self._poses, header)


def write_statistics(path: Path, mean: NDArray[np.float64], std: NDArray[np.float64]) -> None:
    """Write ``mean`` and ``std``, (D,), as float32."""
    from safetensors.numpy import save

    # Not with safetensors' own save_file, whose files only their owner may read: corpora are shared.
    path.write_bytes(save({"mean": mean.astype(np.float32), "std": std.astype(np.float32)}))
