"""``.skels`` files: many sequences of 50 joints as text, one a line, with a file of names beside them."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from signdiff_core.atomic import replacing
from signdiff_core.formats.errors import FormatError
from signdiff_core.formats.normalise import normalised
from signdiff_core.formats.skels_variant import VARIANTS, Variant, decode, detect, encode
from signdiff_core.skeleton import joints_of, make_pose

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator

    from pose_format import Pose

MAX_LINE: Final = 2**27
"""Longest line that is read, in bytes: about 110,000 frames."""

VALUES: Final = 151
"""Numbers of a frame: 50 joints of (x, y, z), and the counter."""


class SkelsFormat:
    """Reader and writer of ``.skels``, a sequence at a time; `iter_skels` and `write_skels` take whole files."""

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
        """Read one sequence.

        Args:
            path: the file.
            index: which line, from 0; not needed if the file has one.
            clip: in place of ``index``, the sequence's name in the ``.files`` beside the file.
            variant: the convention that the file must follow; found out from its content if not given.
            fps: frames per second, which the file does not tell.

        Returns:
            The sequence in normalised coordinates.

        Raises:
            FileNotFoundError: there is no such file.
            FormatError: the file is broken, has no such sequence, has several and neither ``index`` nor ``clip`` is
                given, or contradicts ``variant``.
        """
        if index is not None and clip is not None:
            raise FormatError(path, f"expected an index or a clip, but both are given: {index} and {clip!r}.")
        if clip is not None:
            names = _names(Path(path))
            if names is None or clip not in names:
                known = "has no .files beside it" if names is None else f"names {len(names)} others"
                raise FormatError(path, f"expected a sequence named {clip!r}, but the file {known}.")
            index = names.index(clip)
        found = list(islice(_lines(Path(path)), index or 0, (index or 0) + (2 if index is None else 1)))
        if index is not None and (index < 0 or not found):
            count = sum(1 for _ in _lines(Path(path)))
            raise FormatError(path, f"expected an index from 0 to {count - 1}, but it is {index}.")
        if len(found) != 1:
            count = sum(1 for _ in _lines(Path(path)))
            raise FormatError(path, f"holds {count} sequences: expected an index or a clip that names one.")
        return _pose(Path(path), *found[0], variant=variant, fps=fps)

    def read_all(
        self, path: str | os.PathLike[str], *, variant: Variant | None = None, fps: float = 25.0
    ) -> Iterator[tuple[str, Pose]]:
        """Read all sequences, one after another, with their names: `iter_skels`."""
        return iter_skels(path, variant=variant, fps=fps)

    def write(self, pose: Pose, path: str | os.PathLike[str], *, variant: Variant = "pt") -> None:
        """Write one sequence.

        Args:
            pose: a pose of the 50 joints; one in pixels is normalised first.
            path: the file; an existing one is replaced.
            variant: the convention to follow. ``pt`` keeps coordinates to 5e-6; ``prompt2sign``, stored three times
                smaller, to 2e-5 but for the scale, which reading sets anew.

        Raises:
            FormatError: ``pt`` was asked for and a joint is absent or a neck is not at the origin.
            OSError: the file cannot be written.
        """
        write_skels([pose], path, variant=variant)


def iter_skels(
    path: str | os.PathLike[str],
    *,
    variant: Variant | None = None,
    fps: float = 25.0,
    on_broken: Callable[[str, FormatError], None] | None = None,
) -> Iterator[tuple[str, Pose]]:
    """Read all sequences of a file, one after another.

    Args:
        path: the file.
        variant: the convention that the file must follow; found out for each line if not given.
        fps: frames per second, which the file does not tell.
        on_broken: is told the name of a sequence that cannot be read and why, and reading goes on; without it, the
            first ends everything.

    Yields:
        Name and pose of each sequence; the name is the line of the ``.files`` beside the file, else the line's index.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: the file is broken, contradicts ``variant``, or has not as many lines as its ``.files``.
    """
    source = Path(path)
    names = _names(source)
    lines = _lines(source)
    for index, (line, name) in enumerate(zip_longest(lines, names) if names is not None else ((x, "") for x in lines)):
        if line is None or name is None:
            raise FormatError(source, f"expected as many lines as its .files has, {len(names or ())}.")
        try:
            pose = _pose(source, *line, variant=variant, fps=fps)
        except FormatError as error:
            if on_broken is None:
                raise
            on_broken(name or str(index), error)
        else:
            yield name or str(index), pose


def write_skels(
    poses: Iterable[Pose],
    path: str | os.PathLike[str],
    *,
    names: Iterable[str] | None = None,
    variant: Variant = "pt",
) -> None:
    """Write sequences to a file, one a line, as they come.

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
                joints, confidence = joints_of(normalised(pose))
                if not len(joints):
                    raise FormatError(target, f"expected at least one frame in pose {written}.")
                file.write(" ".join(encode(joints, confidence, variant, target)) + "\n")
                written += 1
        if temporary_names is not None:
            listed = list(names or ())
            if len(listed) != written:
                raise FormatError(target, f"expected a name for each of {written} poses, but there are {len(listed)}.")
            temporary_names.write_text("".join(f"{name}\n" for name in listed), encoding="utf-8")


def _names(path: Path) -> list[str] | None:
    beside = path.with_suffix(".files")
    return beside.read_text(encoding="utf-8").splitlines() if beside.is_file() else None


def _lines(path: Path) -> Iterator[tuple[str, bytes]]:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a .skels file, but there is no such file.")
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise FormatError(path, f"expected at most {MAX_LINE} bytes in a line.", place=f"line {number}")
            yield f"line {number}", line


def _pose(path: Path, place: str, line: bytes, *, variant: Variant | None, fps: float) -> Pose:
    tokens = line.split()
    if not tokens or len(tokens) % VALUES:
        raise FormatError(path, f"expected frames of {VALUES} numbers, but found {len(tokens)} numbers.", place=place)
    try:
        frames = np.array(tokens, dtype=np.float64).reshape(-1, VALUES)
    except ValueError as error:
        raise FormatError(path, f"expected numbers, but {error}.", place=place) from error
    if not np.isfinite(frames).all():
        frame, value = np.argwhere(~np.isfinite(frames))[0]
        raise FormatError(
            path,
            f"expected finite numbers, but value {value} is {frames[frame, value]}.",
            place=f"{place}, frame {frame}",
        )
    found = detect(frames, path, place, variant=variant)
    joints, confidence = decode(frames[:, :-1], found, path, place)
    return make_pose(joints, fps, confidence=confidence)
