"""Find the clips of a folder or file, of whatever kind."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, get_args

from signdiff_core.sources.arrays import clips_in_h5

Kind = Literal["openpose", "dwpose", "mediapipe", "h5", "pose", "video"]
"""What can be read: folders of OpenPose or DWPose JSON, MediaPipe's landmarks, ``.h5``, ``.pose``, videos."""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

_SUFFIXES: Final[dict[str, Kind]] = {
    ".npz": "mediapipe",
    ".h5": "h5",
    ".hdf5": "h5",
    ".pose": "pose",
    ".mp4": "video",
    ".mkv": "video",
    ".mov": "video",
    ".webm": "video",
}
_CONTENTS: Final[tuple[tuple[re.Pattern[bytes], Kind], ...]] = (
    (re.compile(rb'"people"\s*:'), "openpose"),
    (re.compile(rb'"num_persons"\s*:'), "dwpose"),
)
_PEEKED_BYTES: Final = 4096
_PEEKED_FILES: Final = 3


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a clip is: its kind, and its file or folder.

    It has the name of its file without suffix, of its data set, or of its folder; a folder called ``json`` is named
    after the one that it is in. ``video`` is, of a clip of keypoints, the video that has its name: it tells frame rate
    and size where keypoints do not.
    """

    name: str
    kind: Kind
    path: Path
    video: Path | None = None


def find_clips(path: Path, kind: Kind | None = None) -> list[Source]:
    """Find the clips in a folder, in folders below it, too, or in one file.

    The kind is found out by suffix, and for folders of JSON by content. A clip of which there are keypoints and a video
    is one clip: its keypoints are read. An empty folder is a clip that cannot be read, so that it gets into the report.

    Args:
        path: a folder or a file.
        kind: only clips of this kind; a video of the same name still belongs to them.

    Returns:
        The clips, by name.

    Raises:
        FileNotFoundError: there is no such folder or file.
        ValueError: there is no clip, or two clips of keypoints or two videos have one name.
        ModuleNotFoundError: there is an ``.h5`` file, and h5py is missing.
    """
    clips: dict[str, Source] = {}
    videos: dict[str, Source] = {}
    for source in walk(path):
        if source.kind != "video" and kind in (None, source.kind):
            other = clips.setdefault(source.name, source)
            if other is not source:
                _refuse(source, other)
        elif source.kind == "video":
            other = videos.setdefault(source.name, source)
            if other is not source and kind == "video":
                _refuse(source, other)
    if kind == "video":
        clips = videos
    else:
        for name, video in videos.items():
            if name in clips:
                clips[name] = replace(clips[name], video=video.path)
            elif kind is None:
                clips[name] = video
    if not clips:
        raise ValueError(f"{path} must hold clips of the kinds {', '.join([kind] if kind else KINDS)}, but holds none.")
    return [clips[name] for name in sorted(clips)]


def walk(path: Path) -> Iterator[Source]:
    """List all clips in a folder or file one by one; keypoints and videos of one name are two.

    An error says if there is no such folder or file, or an ``.h5`` file and no h5py.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} must be a folder or a file of clips, but does not exist.")
    if not path.is_dir():
        yield from in_file(path)
        return
    kind, entries = _look_into(path)
    if kind is not None:
        source = folder_source(path, kind)
        yield replace(source, video=None)
        if source.video is not None:
            yield Source(name=source.name, kind="video", path=source.video)
        return
    yield from _below(entries)


def _below(entries: list[os.DirEntry[str]]) -> Iterator[Source]:
    for entry in sorted(entries, key=lambda entry: entry.name):
        if not entry.is_dir():
            yield from in_file(Path(entry.path))
            continue
        kind, inner = _look_into(Path(entry.path))
        if kind is not None:
            yield _folder(Path(entry.path), kind)
        else:
            yield from _below(inner)


def _folder(path: Path, kind: Kind) -> Source:
    absolute = path.absolute()
    return Source(name=absolute.parent.name if absolute.name == "json" else absolute.name, kind=kind, path=path)


def folder_source(path: Path, kind: Kind) -> Source:
    """Describe a folder that is a clip, with the video of its name beside it, if there is one."""
    source = _folder(path, kind)
    beside = path.absolute().parent / f"{source.name}.mp4"
    return replace(source, video=beside if beside.is_file() else None)


def in_file(path: Path) -> Iterator[Source]:
    """List the clips in a file, none if it is of no kind; an error says if h5py is missing for an ``.h5`` file."""
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        return
    names = [path.stem]
    if kind == "h5":
        with suppress(ValueError):  # reading it will say why
            names = clips_in_h5(path)
    for name in names:
        yield Source(name=name, kind=kind, path=path)


def kind_of_folder(folder: Path) -> Kind | None:
    """Tell of what kind a folder of JSON is, by names and contents; None if it is no clip."""
    kind, _ = _look_into(folder)
    return kind if any(folder.iterdir()) else None


def _look_into(folder: Path) -> tuple[Kind | None, list[os.DirEntry[str]]]:
    """The kind of a folder that is a clip; what is in one that is not.

    A clip has hundreds of files: they are not all listed.
    """
    entries: list[os.DirEntry[str]] = []
    peeked = 0
    with os.scandir(folder) as found:
        for entry in found:
            if entry.name.startswith("."):
                continue
            if entry.name.endswith("_keypoints.json"):
                return "openpose", []
            if entry.name.endswith(".json"):
                kind = _peek(entry.path) if peeked < _PEEKED_FILES else None
                peeked += 1
                if kind is not None:
                    return kind, []
            else:
                entries.append(entry)
    return ("openpose", []) if not entries and not peeked else (None, entries)


def _peek(path: str) -> Kind | None:
    with Path(path).open("rb") as file:
        start = file.read(_PEEKED_BYTES)
    return next((kind for pattern, kind in _CONTENTS if pattern.search(start)), None)


def _refuse(source: Source, other: Source) -> None:
    raise ValueError(
        f"clips must have different names, but {source.path} ({source.kind}) and {other.path} ({other.kind}) are both "
        f"called {source.name}: name the kind, or a folder that holds one of them."
    )
