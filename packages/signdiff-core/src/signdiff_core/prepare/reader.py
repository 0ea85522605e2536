"""Training frames, read: images with captions, joints and FR maps, in the layouts that this package writes.

`FrameFolder` holds what is known of each frame in memory. `PreparedFrames` is for sets of millions of frames: it looks
them up in their index, and holds a line for each clip.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from signdiff_core.checks import check_name
from signdiff_core.diffusion.folder import read_frnet
from signdiff_core.formats.coordinates import LARGEST, outside
from signdiff_core.formats.files import read_lines
from signdiff_core.prepare.pictures import content_of, decode_image, decode_map, read_image
from signdiff_core.skeleton import BODY_HANDS_FACE, NUM_JOINTS
from signdiff_core.trust import check_weights
from signdiff_core.trust.files import read_json

METADATA: Final = "metadata.jsonl"
JOINTS: Final = "joints.safetensors"
INDEX: Final = "index.safetensors"
CLIPS: Final = "clips.jsonl"
MANIFEST: Final = "manifest.json"

MAP_SUFFIX: Final = ".fr.png"
"""Suffix of FR maps, after the name of their frame without its own."""

_FLOATS: Final = ("F16", "F32", "F64")
"""Types of joints, as safetensors names them."""

_SHAPES: Final = ((NUM_JOINTS, 3), (BODY_HANDS_FACE.num_joints, 3))
"""Shapes of a frame's joints."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One frame, as its line of ``metadata.jsonl`` tells."""

    file_name: str
    """The frame, relative to the folder."""

    text: str
    """Caption, the diffusion model's prompt; the frame's name where none is needed and none is given."""

    joints: int
    """Index into ``joints.safetensors``."""

    fr_file_name: str | None = None
    """The frame's FR map; FR-Net draws it if there is none."""

    neutral_file_name: str | None = None
    """The frame of a neutral signer in the same pose."""

    pose_id: str = ""
    """The motion that the frame comes from."""

    frame: int = 0
    """Index of the frame within that motion."""


class Frames(ABC):
    """Frames that can be read in any order, from several threads.

    `rows` hold what is known of each; `frnet` has FR-Net's settings for the maps that are stored, if they are known.
    """

    root: Path
    rows: Sequence[Row]
    frnet: dict[str, Any] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @abstractmethod
    def points(self, index: int) -> NDArray[np.float32]:
        """Return all points of a frame, (50, 3), normalised; NaN where absent.

        Sets with eyes, ears and face have (124, 3), those of `signdiff_core.skeleton.BODY_HANDS_FACE`.
        """

    def joints(self, index: int) -> NDArray[np.float32]:
        """Return the 50 joints of a frame, (50, 3), normalised; NaN where absent."""
        return self.points(index)[:NUM_JOINTS]

    @abstractmethod
    def image(self, index: int, resolution: int) -> NDArray[np.uint8]:
        """Read a frame as (resolution, resolution, 3) uint8 RGB."""

    @abstractmethod
    def fr_map(self, index: int, resolution: int) -> NDArray[np.uint8] | None:
        """Read a frame's FR map, (resolution, resolution) uint8 of 0 and 255, if one is stored."""

    @abstractmethod
    def neutral(self, index: int, resolution: int) -> NDArray[np.uint8] | None:
        """Read the neutral signer's frame in the same pose, if there is one."""

    @abstractmethod
    def fingerprint(self) -> bytes:
        """Tell sets of frames apart, without reading the images."""


def open_frames(root: str | os.PathLike[str], *, captions: bool = True) -> Frames:
    """Open training frames in whatever layout they are stored.

    Args:
        root: a folder that ``signdiff prepare-frames`` or ``python -m signdiff_core.avatar.frames`` wrote, or one like
            them; see `FrameFolder`. If it carries the mark of a system's output, a line of the log tells.
        captions: every frame must have one.

    Raises:
        OSError: a file is missing.
        ValueError: a file has another form.
    """
    if (mark := Path(root) / "generator.json").is_file():  # see signdiff_core.provenance
        told = "%s is marked as made by %s, at least in part: what is trained on it is no better than that system."
        logging.getLogger("signdiff.training").warning(told, root, read_json(mark).get("generator"))
    return PreparedFrames(root) if PreparedFrames.matches(root) else FrameFolder(root, captions=captions)


class FrameFolder(Frames):
    """Frames as files, all of whose rows are held in memory.

    The folder holds ``metadata.jsonl`` and ``joints.safetensors`` (tensor ``joints``, (N, 50 or 124, 3) normalised, NaN
    where absent). Maps that rows name were drawn with the settings in ``frnet.json``, if it is there;
    with `captions`, every row must have a ``text``. Raises OSError where a file is missing, ValueError where it has
    another form.
    """

    def __init__(self, root: str | os.PathLike[str], *, captions: bool = True) -> None:
        self.root = Path(root)
        lines = enumerate(read_lines(self.root / "metadata.jsonl"), 1)
        self.rows = [self._row(number, line, captions) for number, line in lines if line.strip()]
        if not self.rows:
            raise ValueError(f"{self.root}/metadata.jsonl must name at least one frame, but is empty.")
        path = self.root / "joints.safetensors"
        check_weights(path)
        with safe_open(path, framework="numpy") as file:
            kinds = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (a file, not a mapping)
            kind = kinds.get("joints")
            shape = [] if kind is None else kind.get_shape()
            if kind is None or tuple(shape[1:]) not in _SHAPES or kind.get_dtype() not in _FLOATS:
                raise ValueError(f"{path} must hold floats 'joints' of shape (N, 50, 3), but holds other tensors.")
            self._joints = check_joints(file.get_tensor("joints").astype(np.float32), str(path))
        if max(row.joints for row in self.rows) >= len(self._joints):
            raise ValueError(f"{self.root}/metadata.jsonl names joints beyond the {len(self._joints)} of {path.name}.")
        self.frnet = read_frnet(self.root)

    def points(self, index: int) -> NDArray[np.float32]:
        """See `Frames.points`."""
        joints: NDArray[np.float32] = self._joints[self.rows[index].joints]
        return joints

    def image(self, index: int, resolution: int) -> NDArray[np.uint8]:
        """See `Frames.image`."""
        return read_image(self.root / self.rows[index].file_name, resolution)

    def fr_map(self, index: int, resolution: int) -> NDArray[np.uint8] | None:
        """See `Frames.fr_map`."""
        name = self.rows[index].fr_file_name
        if name is None:
            return None
        return decode_map(content_of(self.root / name), str(self.root / name), resolution=resolution)

    def neutral(self, index: int, resolution: int) -> NDArray[np.uint8] | None:
        """See `Frames.neutral`."""
        name = self.rows[index].neutral_file_name
        return None if name is None else read_image(self.root / name, resolution)

    def fingerprint(self) -> bytes:
        """See `Frames.fingerprint`."""
        digest = hashlib.sha256()
        for file in ("metadata.jsonl", "joints.safetensors"):
            digest.update((self.root / file).read_bytes())
        return digest.digest()

    def _row(self, number: int, line: str, captions: bool) -> Row:
        place = f"{self.root}/metadata.jsonl, line {number}"
        fields = parse_line(line, place)
        if not captions and fields.get("text") is None:
            fields["text"] = str(fields.get("file_name"))
        known = {key: fields[key] for key in Row.__dataclass_fields__ if fields.get(key) is not None}
        missing = [key for key in ("file_name", "text", "joints") if key not in known]
        if missing:
            raise ValueError(f"{place}: {', '.join(missing)} must be given.")
        for key, value in known.items():
            if key in ("joints", "frame") and not (type(value) is int and value >= 0):
                raise ValueError(f"{place}: {key} must be an integer of at least 0, but is {value!r}.")
            if key in ("text", "pose_id") and not isinstance(value, str):
                raise ValueError(f"{place}: {key} must be a text, but is {type(value).__name__}.")
        for key in ("file_name", "fr_file_name", "neutral_file_name"):
            if key in known:
                check_name(known[key], f"{place}: {key}")
        return Row(**known)


@dataclass(frozen=True, kw_only=True)
class _Clip:
    name: str
    text: str
    archive: str | None = None


class PreparedFrames(Frames):
    """Frames as ``signdiff prepare-frames`` writes them, in folders or in archives.

    A frame of an archive is read from its place there: nothing is unpacked, and any order costs the same. Raises
    OSError where a file is missing, ValueError where it has another form.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)
        lines = read_lines(self.root / CLIPS)
        self._clips = [_clip(line, f"{self.root / CLIPS}, line {number}") for number, line in enumerate(lines, start=1)]
        for number, clip in enumerate(self._clips, start=1):
            for key, name in (("name", clip.name), ("archive", clip.archive or clip.name)):
                check_name(name, f"{self.root / CLIPS}, line {number}: {key}")
        self._index = _mapped(self.root / INDEX, "rows", ("I64",))
        self._joints = _mapped(self.root / JOINTS, "joints", _FLOATS)
        shapes = [tuple(tensor.get_shape()) for tensor in (self._index, self._joints)]
        if len({clip.archive is None for clip in self._clips}) != 1:
            raise ValueError(f"{self.root / CLIPS} must name an archive for every clip, or for none.")
        columns = 2 if self._clips[0].archive is None else 6
        length = shapes[0][0]
        kind = shapes[1][1:]
        if not length or kind not in _SHAPES or shapes != [(length, columns), (length, *kind)]:
            raise ValueError(
                f"{self.root} must hold {INDEX} of shape (N, {columns}) and {JOINTS} of shape (N, 50, 3), but they "
                f"are {shapes[0]} and {shapes[1]}."
            )
        self._suffix = f".{_image_format(self.root / MANIFEST)}"
        self.frnet = read_frnet(self.root)
        self.rows = _Rows(self, length)

    @staticmethod
    def matches(root: str | os.PathLike[str]) -> bool:
        """Tell whether a folder has an index, and its ``metadata.jsonl``, if there is one, was not edited since."""
        index, metadata = Path(root) / INDEX, Path(root) / METADATA
        if not index.is_file():
            return False
        check_weights(index)
        with safe_open(index, framework="numpy") as file:
            length = (file.metadata() or {}).get("metadata_bytes")
        return not metadata.is_file() or str(metadata.stat().st_size) == length

    def row(self, index: int) -> Row:
        """Give what is known of a frame."""
        clip, frame = self._row(index)[:2]
        name = frame_name(self._clips[clip].name, frame)
        name = name if self._clips[clip].archive else f"frames/{name}"
        return Row(
            file_name=name + self._suffix,
            fr_file_name=name + MAP_SUFFIX,
            text=self._clips[clip].text,
            joints=index,
            pose_id=self._clips[clip].name,
            frame=frame,
        )

    def points(self, index: int) -> NDArray[np.float32]:
        """See `Frames.points`."""
        joints: NDArray[np.float32] = self._joints[index : index + 1].astype(np.float32)
        checked: NDArray[np.float32] = check_joints(joints, f"{self.root / JOINTS}, from row {index} on")[0]
        return checked

    def image(self, index: int, resolution: int) -> NDArray[np.uint8]:
        """See `Frames.image`."""
        return decode_image(*self._content(index, 2, self._suffix), resolution=resolution)

    def fr_map(self, index: int, resolution: int) -> NDArray[np.uint8]:
        """See `Frames.fr_map`."""
        return decode_map(*self._content(index, 4, MAP_SUFFIX), resolution=resolution)

    def neutral(self, index: int, resolution: int) -> None:
        """There is no neutral signer."""

    def fingerprint(self) -> bytes:
        """See `Frames.fingerprint`."""
        return hashlib.sha256((self.root / MANIFEST).read_bytes() + (self.root / CLIPS).read_bytes()).digest()

    def _row(self, index: int) -> list[int]:
        numbers: list[int] = self._index[index : index + 1][0].tolist()
        if min(numbers) < 0 or numbers[0] >= len(self._clips):
            raise ValueError(
                f"{self.root / INDEX} must name one of {len(self._clips)} clips and places in row {index}."
            )
        return numbers

    def _content(self, index: int, column: int, suffix: str) -> tuple[bytes, str]:
        """Content of a frame's image or map, and its name."""
        numbers = self._row(index)
        clip = self._clips[numbers[0]]
        name = frame_name(clip.name, numbers[1]) + suffix
        if clip.archive is None:
            path = self.root / "frames" / name
            return path.read_bytes(), str(path)
        offset, size = numbers[column : column + 2]
        with (self.root / clip.archive).open("rb") as archive:
            if offset + size > os.fstat(archive.fileno()).st_size:
                raise ValueError(f"{self.root / clip.archive} must hold {name} as {INDEX} says, but ends before it.")
            archive.seek(offset)
            return archive.read(size), f"{self.root / clip.archive}, {name}"


class SomeFrames(Frames):
    """At most `count` frames, spread over a data set."""

    def __init__(self, frames: Frames, count: int) -> None:
        self._frames, total = frames, len(frames)
        count = min(count, total)
        self._indices = [number * total // count for number in range(count)]
        self.root, self.frnet = frames.root, frames.frnet
        self.rows = [frames.rows[index] for index in self._indices]

    def points(self, index: int) -> NDArray[np.float32]:
        """See `Frames.points`."""
        return self._frames.points(self._indices[index])

    def image(self, index: int, resolution: int) -> NDArray[np.uint8]:
        """See `Frames.image`."""
        return self._frames.image(self._indices[index], resolution)

    def fr_map(self, index: int, resolution: int) -> NDArray[np.uint8] | None:
        """See `Frames.fr_map`."""
        return self._frames.fr_map(self._indices[index], resolution)

    def neutral(self, index: int, resolution: int) -> NDArray[np.uint8] | None:
        """See `Frames.neutral`."""
        return self._frames.neutral(self._indices[index], resolution)

    def fingerprint(self) -> bytes:
        """See `Frames.fingerprint`."""
        return hashlib.sha256(self._frames.fingerprint() + str(len(self._indices)).encode()).digest()


def frame_name(clip: str, frame: int) -> str:
    """Name a frame, without a suffix.

    Example:
        >>> frame_name("hello", 12)
        'hello/000012'
    """
    return f"{clip}/{frame:06d}"


def parse_line(line: str, place: str) -> dict[str, Any]:
    """Read an object of JSON out of a line of a table; ValueError, which names ``place``, if it is none."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{place}: a JSON object is expected, but {error}.") from error
    if not isinstance(fields, dict):
        raise ValueError(f"{place}: a JSON object is expected, but found {type(fields).__name__}.")
    return fields


def check_joints(joints: NDArray[np.float32], place: str) -> NDArray[np.float32]:
    """Make sure that joints, (N, 50 or 124, 3), are NaN, where absent, or in bounds.

    Raises ValueError, which names ``place``, where one is infinite, or larger than any coordinate.
    """
    wrong = outside(joints, np.isnan(joints))
    if wrong is not None:
        raise ValueError(f"{place}: joints must be below {LARGEST:,}, but joint {wrong[1]} of row {wrong[0]} is not.")
    return joints


def _clip(line: str, place: str) -> _Clip:
    fields = parse_line(line, place)
    known = {key: value for key, value in fields.items() if key in _Clip.__dataclass_fields__ and value is not None}
    wrong = [key for key in ("name", "text", *known) if not isinstance(known.get(key), str)]
    if wrong:
        raise ValueError(f"{place}: {wrong[0]} must be a text, but is {type(known.get(wrong[0])).__name__}.")
    return _Clip(**known)


def _image_format(path: Path) -> str:
    settings = read_json(path).get("settings")
    name = settings.get("image_format") if isinstance(settings, dict) else None
    if name not in ("jpg", "png"):
        raise ValueError(f"{path} must name the image_format jpg or png under settings, but names {name!r}.")
    return str(name)


def _mapped(path: Path, name: str, kinds: tuple[str, ...]) -> Any:
    """Open a tensor of which only what is asked for is read."""
    check_weights(path)
    file: Any = safe_open(path, framework="numpy")
    if name not in file.keys():  # noqa: SIM118 (a file, not a mapping)
        raise ValueError(f"{path} must hold {name!r}, but does not.")
    tensor = file.get_slice(name)
    if tensor.get_dtype() not in kinds:
        raise ValueError(f"{path} must hold {name!r} as {' or '.join(kinds)}, but holds it as {tensor.get_dtype()}.")
    return tensor


class _Rows(Sequence[Row]):
    """The rows of a set, made when they are asked for."""

    def __init__(self, frames: PreparedFrames, length: int) -> None:
        self._frames, self._length = frames, length

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self._frames.row(number) for number in range(*index.indices(self._length))]
        if not -self._length <= index < self._length:
            raise IndexError(f"index must be below {self._length}, but is {index}.")
        return self._frames.row(index % self._length)
