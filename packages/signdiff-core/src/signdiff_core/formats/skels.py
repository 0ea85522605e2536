"""``.skels`` files: many sequences of 50 joints as text, one a line, with a file of names beside them."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Final

from signdiff_core.atomic import replacing
from signdiff_core.formats.errors import FormatError
from signdiff_core.formats.normalise import normalised
from signdiff_core.formats.skels_lines import lines_of, names_beside
from signdiff_core.formats.skels_reading import Reading
from signdiff_core.formats.skels_variant import VARIANTS, Variant, encode
from signdiff_core.skeleton import joints_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator

    from pose_format import Pose


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
        """Read one sequence. A `FormatWarning` says so where its counter or scale is off, as `iter_skels` does.

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
            names = names_beside(Path(path))
            if names is None or clip not in names:
                known = "has no .files beside it" if names is None else f"names {len(names)} others"
                raise FormatError(path, f"expected a sequence named {clip!r}, but the file {known}.")
            index = names.index(clip)
        found = list(islice(lines_of(Path(path)), index or 0, (index or 0) + (2 if index is None else 1)))
        if index is not None and (index < 0 or not found):
            count = sum(1 for _ in lines_of(Path(path)))
            raise FormatError(path, f"expected an index from 0 to {count - 1}, but it is {index}.")
        if len(found) != 1:
            count = sum(1 for _ in lines_of(Path(path)))
            raise FormatError(path, f"holds {count} sequences: expected an index or a clip that names one.")
        reading = Reading(path=Path(path), variant=variant, fps=fps)
        pose = reading.pose(*found[0])
        reading.tell()
        return pose

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
    """Read all sequences of a file, one after another.

    What a system put out is read even where its counter drifts or its neck is a little off: a `FormatWarning` at the
    end tells in how many sequences, and also where shoulders are not 1/3 apart. A corpus is held to the convention.

    Args:
        path: the file.
        variant: the convention that the file must follow; found out for each line if not given.
        fps: frames per second, which the file does not tell.
        on_broken: is told the name of a sequence that cannot be read and why, and reading goes on; without it, the
            first ends everything.
        corpus: whether a counter, a neck or a scale that is off makes a sequence broken. Counters may be rounded or
            cut to the decimals that they have; shoulders may be 10% nearer or farther than 1/3.
        ignore_counter: whether the counter may be anything.
        normalise: whether necks are put at the origin and shoulders 1/3 apart, wherever they were.

    Yields:
        Name and pose of each sequence; the name is the line of the ``.files`` beside the file, else the line's index.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: the file is broken, contradicts ``variant``, or has not as many lines as its ``.files``.
    """
    source = Path(path)
    names = names_beside(source)
    lines = lines_of(source)
    reading = Reading(
        path=source, variant=variant, fps=fps, corpus=corpus, ignore_counter=ignore_counter, normalise=normalise
    )
    for index, (line, name) in enumerate(zip_longest(lines, names) if names is not None else ((x, "") for x in lines)):
        if line is None or name is None:
            raise FormatError(source, f"expected as many lines as its .files has, {len(names or ())}.")
        try:
            pose = reading.pose(*line)
        except FormatError as error:
            if on_broken is None:
                raise
            on_broken(name or str(index), error)
        else:
            yield name or str(index), pose
    reading.tell()


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
