"""``.skels`` files: many clips of 50 joints as text, one a line, with a file of names beside them.

A line holds frames of 151 numbers one after another: 50 joints of (x, y, z), and a counter. `skels_variant` knows the
two conventions that such files follow.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core.atomic import replacing
from signdiff_core.formats import coordinates
from signdiff_core.formats.files import FormatError, FormatWarning, numbered_lines, read_lines
from signdiff_core.formats.skels_variant import (
    COUNTERS,
    VARIANTS,
    Evidence,
    Variant,
    counter_tolerance,
    decode,
    detect,
    encode,
)
from signdiff_core.skeleton import joints_of, make_pose

if TYPE_CHECKING:  # pose_format is heavy to import
    from pose_format import Pose

MAX_LINE: Final = 2**27
"""Longest line that is read, in bytes."""

MAX_FRAMES: Final = 120_000
"""Most frames of a clip: more than a line of usual numbers holds."""

_VALUES: Final = 151
"""Numbers of a frame."""

_AT_ONCE: Final = 1 << 20
_SPACE: Final = re.compile(rb"\s")


class SkelsFormat:
    """Reader and writer of ``.skels``, a clip at a time; `iter_skels` and `write_skels` take whole files."""

    name: Final = "skels"
    suffixes: Final = (".skels",)

    def matches(self, path: str | os.PathLike[str]) -> bool:
        """Tell whether a path is a file with the suffix ``.skels``."""
        return Path(path).suffix.lower() == ".skels" and Path(path).is_file()

    def read(
        self,
        path: str | os.PathLike[str],
        *,
        index: int | None = None,
        clip: str | None = None,
        variant: Variant | None = None,
        fps: float = 25.0,
    ) -> Pose:
        """Read one clip. A `FormatWarning` says so where its counter or scale is off, as `iter_skels` does.

        Args:
            path: the file.
            index: which line, from 0; not needed if the file has one.
            clip: in place of ``index``, the clip's name in the ``.files`` beside the file.
            variant: the convention that the file must follow; found out from its content if not given.
            fps: frames per second, which the file does not tell.

        Returns:
            The clip in normalised coordinates.

        Raises:
            FileNotFoundError: there is no such file.
            FormatError: the file is broken, has no such clip, has several and neither ``index`` nor ``clip`` is
                given, or contradicts ``variant``.
        """
        if index is not None and clip is not None:
            raise FormatError(path, f"expected an index or a clip, but both are given: {index} and {clip!r}.")
        if clip is not None:
            names = _names_beside(Path(path))
            if names is None or clip not in names:
                known = "has no .files beside it" if names is None else f"names {len(names)} others"
                raise FormatError(path, f"expected a clip named {clip!r}, but the file {known}.")
            index = names.index(clip)
        found = list(islice(_lines_of(Path(path)), index or 0, (index or 0) + (2 if index is None else 1)))
        if index is not None and (index < 0 or not found):
            count = sum(1 for _ in _lines_of(Path(path)))
            raise FormatError(path, f"expected an index from 0 to {count - 1}, but it is {index}.")
        if len(found) != 1:
            count = sum(1 for _ in _lines_of(Path(path)))
            raise FormatError(path, f"holds {count} clips: expected an index or a clip that names one.")
        reader = _Reader(path=Path(path), variant=variant, fps=fps)
        pose = reader.pose(*found[0])
        reader.warn()
        return pose

    def read_all(
        self, path: str | os.PathLike[str], *, variant: Variant | None = None, fps: float = 25.0
    ) -> Iterator[tuple[str, Pose]]:
        """Read all clips, one after another, with their names: `iter_skels`."""
        return iter_skels(path, variant=variant, fps=fps)

    def write(self, pose: Pose, path: str | os.PathLike[str], *, variant: Variant = "pt") -> None:
        """Write one clip.

        Args:
            pose: a pose of the 50 joints; one in pixels is normalised first.
            path: the file; an existing one is replaced.
            variant: the convention to follow. ``pt`` keeps coordinates to 5e-6; ``prompt2sign``, stored three times
                smaller, to 2e-5 but for the scale, which reading sets anew.

        Raises:
            FormatError: ``pt`` was asked for and a joint is absent or a neck is more than 0.001 from the origin.
            OSError: the file cannot be written.
        """
        write_skels([pose], path, variant=variant)


def iter_skels(
    path: str | os.PathLike[str],
    *,
    variant: Variant | None = None,
    fps: float = 25.0,
    on_broken: Callable[[str, FormatError], None] | None = None,
    corpus: bool = False,
    ignore_counter: bool = False,
    normalise: bool = False,
) -> Iterator[tuple[str, Pose]]:
    """Read all clips of a file, one after another.

    What a system put out is read even where its counter drifts or its neck is a little off: a `FormatWarning` at the
    end tells in how many clips, and also where shoulders are not 1/3 apart. A corpus is held to the convention.

    Args:
        path: the file.
        variant: the convention that the file must follow; found out for each line if not given.
        fps: frames per second, which the file does not tell.
        on_broken: is given the name of a clip that cannot be read and why, and reading continues; without it, the
            first ends everything.
        corpus: whether a counter, a neck or a scale that is off makes a clip broken. Counters may be rounded or
            cut to the decimals that they have; shoulders may be 10% nearer or farther than 1/3.
        ignore_counter: whether the counter may be anything.
        normalise: whether necks are put at the origin and shoulders 1/3 apart, wherever they were.

    Yields:
        Name and pose of each clip; the name is the line of the ``.files`` beside the file, else the line's index.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: the file is broken, contradicts ``variant``, or has not as many lines as its ``.files``.
    """
    source = Path(path)
    names = _names_beside(source)
    lines = _lines_of(source)
    reader = _Reader(
        path=source, variant=variant, fps=fps, corpus=corpus, ignore_counter=ignore_counter, normalise=normalise
    )
    for index, (line, name) in enumerate(zip_longest(lines, names) if names is not None else ((x, "") for x in lines)):
        if line is None or name is None:
            raise FormatError(source, f"expected as many lines as its .files has, {len(names or ())}.")
        try:
            pose = reader.pose(*line)
        except FormatError as error:
            if on_broken is None:
                raise
            on_broken(name or str(index), error)
        else:
            yield name or str(index), pose
    reader.warn()


def write_skels(
    poses: Iterable[Pose],
    path: str | os.PathLike[str],
    *,
    names: Iterable[str] | None = None,
    variant: Variant = "pt",
) -> None:
    """Write clips to a file, one a line, as they come.

    Args:
        poses: poses of the 50 joints; those in pixels are normalised first.
        path: the file; an existing one is replaced.
        names: a name for each pose; they go to a ``.files`` beside the file.
        variant: the convention to follow.

    Raises:
        FormatError: there are not as many names as poses, or a pose does not fit the variant.
        OSError: a file cannot be written.
    """
    target = Path(path)
    if variant not in VARIANTS:
        raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, but is {variant!r}.")
    with ExitStack() as stack:
        temporary_names = stack.enter_context(replacing(target.with_suffix(".files"))) if names is not None else None
        temporary = stack.enter_context(replacing(target))
        with temporary.open("w", encoding="ascii") as file:
            written = 0
            for pose in poses:
                joints, confidence = joints_of(coordinates.normalised(pose))
                if not len(joints):
                    raise FormatError(target, f"expected at least one frame in pose {written}.")
                file.write(" ".join(encode(joints, confidence, variant, target)) + "\n")
                written += 1
        if temporary_names is not None:
            listed = list(names or ())
            if len(listed) != written:
                raise FormatError(target, f"expected a name for each of {written} poses, but there are {len(listed)}.")
            temporary_names.write_text("".join(f"{name}\n" for name in listed), encoding="utf-8")


@dataclass(kw_only=True)
class _Reader:
    """Reads the clips of a file: a corpus's by the letter, a system's as far as they can be understood.

    It remembers what is off in them; for a `corpus`, that is an error. The convention is found out for each line if
    none is given. `ignore_counter` lets the counter be anything; with `normalise`, neck and shoulders are put right,
    and may be anywhere before.
    """

    path: Path
    variant: Variant | None
    fps: float
    corpus: bool = False
    ignore_counter: bool = False
    normalise: bool = False
    _read: int = 0
    _doubts: dict[str, list[str]] = field(default_factory=dict)

    def pose(self, place: str, line: bytes) -> Pose:
        """Read a line, which must not be broken, of another variant, or, in a corpus, off."""
        frames, tolerance = _parse(self.path, place, line)
        evidence = Evidence(frames, tolerance)
        variant = detect(evidence, self.path, place, variant=self.variant)
        for kind, fault, remedy in self._faults(evidence, variant):
            if self.corpus:
                raise FormatError(self.path, f"expected a clip of a corpus, but {fault}: {remedy}.", place=place)
            self._doubts.setdefault(kind, []).append(f"{place}: {fault}")
        joints, confidence = decode(frames[:, :-1], variant, self.path, place)
        if self.normalise:
            try:
                joints = coordinates.normalise(joints, confidence).astype(np.float32)
            except ValueError as error:
                raise FormatError(self.path, str(error), place=place) from error
        self._read += 1
        return make_pose(joints, self.fps, confidence=confidence)

    def warn(self) -> None:
        """Warn of what was off in what was read."""
        for kind, found in self._doubts.items():
            message = f"{self.path}: {kind} of {len(found)} of {self._read} clips is off, first in {found[0]}."
            warnings.warn(message, FormatWarning, stacklevel=3)
        self._doubts.clear()

    def _faults(self, evidence: Evidence, variant: Variant) -> Iterator[tuple[str, str, str]]:
        if not self.ignore_counter and (fault := evidence.counter_fault(COUNTERS[variant])):
            yield "the counter", fault, "ignore_counter (--ignore-counter) takes it as it is"
        if variant != "pt" or self.normalise:
            return
        remedy = "normalise (--normalise) sets it right"
        # What a system puts out has its neck nearly at the origin; what it learned from, quite.
        if self.corpus and (fault := evidence.neck_fault()):
            yield "the neck", f"{fault}, not at the origin", remedy
        if fault := evidence.scale_fault():
            yield "the scale", fault, remedy


def _names_beside(path: Path) -> list[str] | None:
    """Read the names of a file's clips, if there is a ``.files`` beside it."""
    beside = path.with_suffix(".files")
    return read_lines(beside) if beside.is_file() else None


def _lines_of(path: Path) -> Iterator[tuple[str, bytes]]:
    """Read a file line by line, each with its place."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a .skels file, but there is no such file.")
    return numbered_lines(path, longest=MAX_LINE)


def _parse(path: Path, place: str, line: bytes) -> tuple[NDArray[np.float64], float]:
    """Turn a line into frames (T, 151), and tell how far their counter may be off by its decimals."""
    parts, counters, count = [], [], 0
    for tokens in _tokens(line):
        try:
            parts.append(np.array(tokens, dtype=np.float64))
        except ValueError as error:
            raise FormatError(path, f"expected numbers, but {error!s:.120}.", place=place) from error
        counters.append(counter_tolerance(tokens[(_VALUES - 1 - count) % _VALUES :: _VALUES]))
        count += len(tokens)
        if count > MAX_FRAMES * _VALUES:
            raise FormatError(path, f"expected at most {MAX_FRAMES} frames, but there are more.", place=place)
    if not count or count % _VALUES:
        raise FormatError(path, f"expected frames of {_VALUES} numbers, but found {count} numbers.", place=place)
    frames = np.concatenate(parts).reshape(-1, _VALUES)
    if (found := coordinates.outside(frames)) is not None:
        frame, value = found
        what = "the counter" if value == _VALUES - 1 else f"{'xyz'[value % 3]} of joint {value // 3}"
        raise FormatError(
            path,
            f"expected finite numbers up to {coordinates.LARGEST}, but {what} is {frames[found]:g}.",
            place=f"{place}, frame {frame}",
        )
    return frames, min(counters)


def _tokens(line: bytes) -> Iterator[list[bytes]]:
    """The words of a line, some at a time: as bytes objects they take many times the room of the line."""
    start = 0
    while start < len(line):
        found = _SPACE.search(line, start + _AT_ONCE)
        end = found.start() if found else len(line)
        if tokens := line[start:end].split():
            yield tokens
        start = end
