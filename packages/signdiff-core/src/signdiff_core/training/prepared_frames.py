"""Training frames by their index: sets of millions of frames, of which a line for each clip is held in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from safetensors import safe_open

from signdiff_core.paths import check_name
from signdiff_core.prepare.files import CLIPS, INDEX, JOINTS, MANIFEST, MAP_SUFFIX, METADATA, frame_name
from signdiff_core.training.frames import Frames, Row, decode_image, decode_map, read_frnet

if TYPE_CHECKING:
    import os

    import numpy as np
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
        lines = (self.root / CLIPS).read_text(encoding="utf-8").splitlines()
        known = ({key: value for key, value in json.loads(line).items() if key in _FIELDS} for line in lines)
        self._clips = [_Clip(**fields) for fields in known]
        for number, clip in enumerate(self._clips, start=1):
            for key, name in (("name", clip.name), ("archive", clip.archive or clip.name)):
                check_name(name, f"{self.root / CLIPS}, line {number}: {key}")
        self._index, self._joints = _mapped(self.root / INDEX, "rows"), _mapped(self.root / JOINTS, "joints")
        shapes = [tuple(tensor.get_shape()) for tensor in (self._index, self._joints)]
        columns = 6 if self._clips and self._clips[0].archive else 2
        length = shapes[0][0]
        if not length or shapes != [(length, columns), (length, 50, 3)]:
            raise ValueError(
                f"{self.root} must hold {INDEX} of shape (N, {columns}) and {JOINTS} of shape (N, 50, 3), but they "
                f"are {shapes[0]} and {shapes[1]}."
            )
        self._suffix = "." + json.loads((self.root / MANIFEST).read_text(encoding="utf-8"))["settings"]["image_format"]
        self.frnet = read_frnet(self.root)
        self.rows = _Rows(self, length)

    @staticmethod
    def matches(root: str | os.PathLike[str]) -> bool:
        """Tell whether a folder has an index, and its ``metadata.jsonl``, if there is one, was not edited since."""
        index, metadata = Path(root) / INDEX, Path(root) / METADATA
        if not index.is_file():
            return False
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
        joints: NDArray[np.float32] = self._joints[index : index + 1][0]
        return joints

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
            archive.seek(offset)
            return archive.read(size), f"{self.root / clip.archive}, {name}"


def _mapped(path: Path, name: str) -> Any:
    """Open a tensor of which only what is asked for is read."""
    file: Any = safe_open(path, framework="numpy")
    if name not in file.keys():  # noqa: SIM118 (a file, not a mapping)
        raise ValueError(f"{path} must hold {name!r}, but holds {', '.join(file.keys())}.")
    return file.get_slice(name)


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
