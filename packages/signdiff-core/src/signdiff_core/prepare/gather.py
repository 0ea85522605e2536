"""Bring videos, their poses and their captions together."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from signdiff_core import plugins

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from signdiff_core.formats import PoseFileFormat

VIDEO_SUFFIXES: Final = (".mp4", ".mkv", ".mov", ".webm", ".avi", ".m4v")
"""Which files are videos, in lower case."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A video of one signer and the poses in it.

    Attributes:
        name: the video's, without its suffix.
        text: the caption of all frames.
        video: the file.
        pose: a file or folder of any format of `signdiff_core.formats`, in pixels.
    """

    name: str
    text: str
    video: Path
    pose: Path


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """What was found.

    Attributes:
        clips: by name.
        left_out: names of videos and poses that are not among them, and why.
    """

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
        ValueError: two videos or two poses have one name, or no video has a pose and a caption.
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
            clips.append(Clip(name=name, text=text, video=video, pose=known[name]))
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
        if any(reader.matches(folder) for reader in of_folders):
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
            yield plugin.load()()


def _folders(path: Path) -> Iterator[tuple[Path, list[str]]]:
    """A folder and those below it, each with the names of its files. There may be millions."""
    if not path.is_dir():
        raise FileNotFoundError(f"{path} must be a folder, but there is none.")
    for folder, below, files in os.walk(path, followlinks=True):
        below[:] = sorted(name for name in below if not name.startswith("."))
        yield Path(folder), sorted(name for name in files if not name.startswith("."))
