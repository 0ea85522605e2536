"""Which file is drawn to which: the plan of the signdiff-frnet command."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from signdiff_frnet.commands import UsageError, tell
from signdiff_frnet.files import (
    ANIMATED_SUFFIXES,
    KNOWN_SUFFIXES,
    LOSSLESS_SUFFIXES,
    VIDEO_CODECS,
    MediaError,
    partial_name,
)

PROG = "signdiff-frnet"
"""The command's name, for what is said."""


@dataclass(frozen=True)
class Job:
    """One file to read and the file that its FR map goes to."""

    source: Path
    target: Path

    @property
    def is_video(self) -> bool:
        """Whether both are videos."""
        return self.target.suffix.lower() in VIDEO_CODECS


def plan(inputs: Sequence[Path], output: Path) -> list[Job]:
    """Decide what is drawn where, without touching anything: at least one job, by the inputs, and by name in folders.

    One image or video goes to the file ``output`` if :func:`names_file` says that it is one; everything else goes below
    the folder ``output``, folders with their subfolders, images as ``.png`` and videos as ``.mp4``; what is hidden in
    folders is passed over. A UsageError if there is nothing to draw, the output can't hold it, or a file would
    overwrite another; a FileNotFoundError if an input does not exist.
    """
    for path in inputs:
        if not path.exists():
            raise FileNotFoundError(2, "expected an image, a video or a folder, but it does not exist", str(path))
    if names_file(output, single=len(inputs) == 1 and not inputs[0].is_dir()):
        jobs = [_single(inputs, output)]
    else:
        jobs = [
            Job(source, output / relative.with_suffix(".mp4" if _is_video(source) else ".png"))
            for source, relative in _sources(inputs)
        ]
    _check_overwriting(jobs)
    return jobs


def names_file(output: Path, *, single: bool = True) -> bool:
    """Tell whether an output, which need not exist, is a file, or a folder.

    It is a file if no folder is there and the name ends in the suffix of an image or a video, or for a single input in
    any suffix (which may be mistyped). A suffix begins with a letter: the dot of a version is none.

    Example:
        >>> names_file(Path("map.png")), names_file(Path("maps/v1.0")), names_file(Path("maps.old"), single=False)
        (True, False, False)
    """
    suffix = output.suffix.lower()
    is_suffix = suffix[1:2].isalpha() if single else suffix in KNOWN_SUFFIXES
    return is_suffix and not output.is_dir()


def _is_video(path: Path) -> bool:
    from signdiff_frnet.pictures import is_video

    try:
        return is_video(path)
    except MediaError as error:
        raise UsageError(str(error)) from None


def _single(inputs: Sequence[Path], output: Path) -> Job:
    if len(inputs) > 1 or inputs[0].is_dir():
        raise UsageError(f"-o must be a folder for several inputs or a folder of them, but is the file {output}")
    video = _is_video(inputs[0])
    allowed = tuple(VIDEO_CODECS) if video else LOSSLESS_SUFFIXES
    if output.suffix.lower() not in allowed:
        kind = "a video" if video else "an image, which a lossy format would not keep binary,"
        if inputs[0].suffix.lower() in ANIMATED_SUFFIXES and video:
            kind = f"a video, as the animation {inputs[0]} is one,"
        raise UsageError(f"-o must end in one of {' '.join(allowed)} for {kind} but is {output}")
    if not output.parent.exists():
        raise UsageError(f"-o must lie in a folder that is there, but {output.parent} is none")
    return Job(inputs[0], output)


def _sources(inputs: Sequence[Path]) -> Iterator[tuple[Path, Path]]:
    for path in inputs:
        if not path.is_dir():
            yield path, Path(path.name)
            continue
        files = [file for file in sorted(_visible(path)) if file.suffix.lower() in KNOWN_SUFFIXES]
        if not files:
            raise UsageError(f"{path}: expected a folder that holds images or videos, but it holds none")
        yield from ((file, file.relative_to(path)) for file in files)


def _visible(folder: Path) -> Iterator[Path]:
    """The files in a folder and below it, but for hidden ones and what is in hidden folders."""
    for home, folders, files in os.walk(folder, onerror=_tell_passed_over):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(home, name) for name in files if not name.startswith("."))
        yield from (path for path in paths if path.is_file())


def _tell_passed_over(error: OSError) -> None:
    tell(PROG, f"{error.filename}: passed over, for it cannot be read: {error.strerror}")


def _check_overwriting(jobs: Sequence[Job]) -> None:
    sources = {job.source.resolve() for job in jobs}
    targets: dict[Path, Path] = {}
    for job in jobs:
        for target in (job.target, partial_name(job.target))[: 1 + job.is_video]:
            if target.resolve() in sources:
                raise UsageError(f"-o must leave the inputs alone, but {target} is one of them")
            if target.resolve() in targets:
                raise UsageError(f"{targets[target.resolve()]} and {job.source} would both be written to {target}")
            targets[target.resolve()] = job.source
