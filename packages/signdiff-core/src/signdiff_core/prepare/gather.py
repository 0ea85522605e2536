"""Bring videos, their poses and their captions together."""

from __future__ import annotations

import csv
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from signdiff_core import plugins
from signdiff_core.formats import FormatError, FormatWarning, PoseFileFormat
from signdiff_core.formats.files import MARK, check_clip
from signdiff_core.provenance import read_mark

_NAMES: Final = ("name", "id", "SENTENCE_NAME")
_TEXTS: Final = ("text", "caption", "prompt", "SENTENCE")

VIDEO_SUFFIXES: Final = (".mp4", ".mkv", ".mov", ".webm", ".avi", ".m4v")
"""Which files are videos, in lower case."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A video of one signer with its caption, and the poses in it, in pixels, of any format that is known.

    The name is the video's, without its suffix; `pose` is a file or folder; `generator` is the system that made one of
    both, by its mark.
    """

    name: str
    text: str
    video: Path
    pose: Path
    generator: str | None = None


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """The clips that were found, by name, and the videos and poses that are not among them, with reasons."""

    clips: list[Clip]
    left_out: list[tuple[str, str]]


def gather(videos: Path, poses: Path, captions: Mapping[str, str] | str) -> Gathered:
    """Find the clips of two folders.

    A pose has the name of its video: a file ``NAME.pose``, or a folder ``NAME`` or ``NAME/json`` of OpenPose JSON, as
    How2Sign has them. Both folders are searched with those below them.

    Args:
        videos: a folder of videos, or one.
        poses: a folder of poses.
        captions: one for each name, or one for all.

    Raises:
        FileNotFoundError: a folder is missing.
        ValueError: two videos or two poses have one name, a mark cannot be read, or no video has a pose and a caption.
    """
    found = _by_name(_videos(videos), "videos")
    known = _by_name(_poses(poses), "poses")
    clips: list[Clip] = []
    left_out: list[tuple[str, str]] = []
    for name, video in found.items():
        text = captions if isinstance(captions, str) else captions.get(name)
        if name not in known:
            left_out.append((name, "video without pose"))
        elif text is None:
            left_out.append((name, "video without caption"))
        else:
            mark = read_mark(video) or read_mark(known[name])
            maker = None if mark is None else str(mark["generator"])
            clips.append(Clip(name=name, text=text, video=video, pose=known[name], generator=maker))
    left_out += [(name, "pose without video") for name in known if name not in found]
    if not clips:
        raise ValueError(
            f"{videos} must hold videos that have poses in {poses} and captions, but of {len(found)} videos and "
            f"{len(known)} poses none go together."
        )
    return Gathered(clips=clips, left_out=sorted(left_out))


def _by_name(found: Iterator[tuple[str, Path]], what: str) -> dict[str, Path]:
    named: dict[str, Path] = {}
    for name, path in found:
        other = named.setdefault(name, path)
        if other is not path:
            raise ValueError(f"{what} must have different names, but {other} and {path} are both called {name}.")
    return dict(sorted(named.items()))


def _videos(path: Path) -> Iterator[tuple[str, Path]]:
    if path.is_file():
        yield path.stem, path
        return
    for folder, files in _folders(path):
        for file in files:
            stem, suffix = _split(file)
            if suffix.lower() in VIDEO_SUFFIXES:
                yield stem, folder / file


def _poses(path: Path) -> Iterator[tuple[str, Path]]:
    readers = list(_readers())
    suffixes = {suffix for reader in readers for suffix in reader.suffixes if suffix}
    of_folders = [reader for reader in readers if "" in reader.suffixes]
    for folder, files in _folders(path):
        if any(_matches(reader, folder) for reader in of_folders):
            yield (folder.parent if folder.name == "json" else folder).absolute().name, folder
            continue
        for file in files:
            stem, suffix = _split(file)
            if suffix.lower() in suffixes:
                yield stem, folder / file


def _split(name: str) -> tuple[str, str]:
    """Stem and suffix of a file's name, faster than a Path has them."""
    stem, dot, suffix = name.rpartition(".")
    return (stem, dot + suffix) if dot else (name, "")


def _readers() -> Iterator[PoseFileFormat]:
    for plugin in plugins.discover("signdiff.pose_formats"):
        # Reading a file of a format that cannot be loaded says why.
        with suppress(plugins.PluginError):
            yield plugin.make()


def _matches(reader: PoseFileFormat, folder: Path) -> bool:
    try:
        return reader.matches(folder)
    except Exception as error:  # a stranger's format may raise anything at all
        warnings.warn(
            f"the pose format {reader.name!r} cannot look at {folder}: {type(error).__name__}: {error}",
            FormatWarning,
            stacklevel=2,
        )
        return False


def _folders(path: Path) -> Iterator[tuple[Path, list[str]]]:
    """A folder and those below it, each with the names of its files. There may be millions."""
    if not path.is_dir():
        raise FileNotFoundError(f"{path} must be a folder, but there is none.")
    for folder, below, files in os.walk(path, followlinks=True):
        below[:] = sorted(name for name in below if not name.startswith("."))
        yield Path(folder), sorted(name for name in files if not name.startswith("."))


def read_captions(path: Path) -> dict[str, str]:
    """Read captions, without spaces around them, by the name of the clip.

    The file is a table in UTF-8, divided by commas or tabs, whose header names a column of clips (``name``, ``id``, or
    How2Sign's ``SENTENCE_NAME``) and one of captions (``text``, ``caption``, ``prompt``, or ``SENTENCE``). Raises
    FileNotFoundError where there is none, FormatError where it is no such table, or names a clip twice.
    """
    with path.open(encoding="utf-8-sig", newline="") as lines:
        try:
            first = lines.readline(1 << 16)
            lines.seek(0)
            rows = csv.reader(lines, delimiter="\t" if "\t" in first else ",")
            header = next(rows, [])
            name, text = _column(header, _NAMES, path), _column(header, _TEXTS, path)
            captions: dict[str, str] = {}
            for row in rows:
                place = f"line {rows.line_num}"
                if not row:
                    continue
                if len(row) != len(header):
                    raise FormatError(path, f"expected {len(header)} columns, but found {len(row)}.", place=place)
                check_clip(row[name], path, place)
                if row[name] in captions:
                    raise FormatError(path, f"expected a clip once, but {row[name]} comes again.", place=place)
                captions[row[name]] = " ".join(row[text].split()).strip(MARK)
        except (csv.Error, UnicodeDecodeError) as error:
            raise FormatError(path, f"expected a table in UTF-8, but {error}.") from error
    return captions


def _column(header: Sequence[str], names: Sequence[str], path: Path) -> int:
    for name in names:
        if name in header:
            return header.index(name)
    raise FormatError(path, f"expected a column {' or '.join(names)}, but found {', '.join(header)}.", place="line 1")
