"""Training frames by their index: sets of millions of frames, of which a line for each clip is held in memory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from safetensors import safe_open

from signdiff_core.checks import check_name
from signdiff_core.formats.files import read_lines
from signdiff_core.prepare.writer import CLIPS, INDEX, JOINTS, MANIFEST, MAP_SUFFIX, METADATA, frame_name
from signdiff_core.training.frames import (
    FLOATS,
    Frames,
    Row,
    check_joints,
    decode_image,
    decode_map,
    parse_line,
    read_frnet,
)
from signdiff_core.trust import check_weights
from signdiff_core.trust.files import read_json

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class _Clip:
    name: str
    text: str
    archive: str | None = None


class PreparedFrames(Frames):
    """Frames as ``signdiff prepare-frames`` writes them, in folders or in archives.

    A frame of an archive is read from its place there: nothing is unpacked, and any order costs the same.

    Args:
        root: the folder.

    Raises:
        OSError: a file is missing.
        ValueError: a file has another form.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)
        lines = read_lines(self.root / CLIPS)
        self._clips = [_clip(line, f"{self.root / CLIPS}, line {number}") for number, line in enumerate(lines, start=1)]
        for number, clip in enumerate(self._clips, start=1):
            for key, name in (("name", clip.name), ("archive", clip.archive or clip.name)):
                check_name(name, f"{self.root / CLIPS}, line {number}: {key}")
        self._index = _mapped(self.root / INDEX, "rows", ("I64",))
        self._joints = _mapped(self.root / JOINTS, "joints", FLOATS)
        shapes = [tuple(tensor.get_shape()) for tensor in (self._index, self._joints)]
        if len({clip.archive is None for clip in self._clips}) != 1:
            raise ValueError(f"{self.root / CLIPS} must name an archive for every clip, or for none.")
        columns = 2 if self._clips[0].archive is None else 6
        length = shapes[0][0]
        if not length or shapes != [(length, columns), (length, 50, 3)]:
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

    def joints(self, index: int) -> NDArray[np.float32]:
        """See `Frames.joints`."""
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


def _clip(line: str, place: str) -> _Clip:
    fields = parse_line(line, place)
    known = {key: value for key, value in fields.items() if key in _FIELDS and value is not None}
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


_FIELDS = frozenset(_Clip.__dataclass_fields__)


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
