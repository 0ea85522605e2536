"""Training frames: images with captions, joints and FR maps, in the layouts that this package writes."""

from __future__ import annotations

import hashlib
import json
import struct
from abc import ABC, abstractmethod
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from PIL import Image
from safetensors import safe_open

from signdiff_core.checks import check_name
from signdiff_core.formats.coordinates import LARGEST, outside
from signdiff_core.formats.files import read_lines
from signdiff_core.trust import check_weights
from signdiff_core.trust.files import read_json

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import NDArray


MAX_PIXELS: Final = 1 << 26
"""Most pixels of a frame that is read (8192 x 8192)."""

FLOATS: Final = ("F16", "F32", "F64")
"""Types of joints, as safetensors names them."""

_BROKEN: Final = (ArithmeticError, EOFError, LookupError, OSError, SyntaxError, TypeError, ValueError, struct.error)
"""What Pillow raises, among others, for damaged files."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One frame, as its line of ``metadata.jsonl`` tells."""

    file_name: str
    """The frame, relative to the folder."""

    text: str
    """Caption; the diffusion model's prompt."""

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

    Attributes:
        root: the folder.
        rows: what is known of each frame.
        frnet: FR-Net's settings for the maps that are stored, if they are known.
    """

    root: Path
    rows: Sequence[Row]
    frnet: dict[str, Any] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @abstractmethod
    def joints(self, index: int) -> NDArray[np.float32]:
        """Return the joints of a frame, (50, 3), normalised; NaN where absent."""

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


def open_frames(root: str | os.PathLike[str]) -> Frames:
    """Open training frames in whatever layout they are stored.

    Args:
        root: a folder that ``signdiff prepare-frames`` or ``python -m signdiff_core.avatar.frames`` wrote, or one like
            them; see `FrameFolder`.

    Raises:
        OSError: a file is missing.
        ValueError: a file has another form.
    """
    from signdiff_core.training.prepared_frames import PreparedFrames

    return PreparedFrames(root) if PreparedFrames.matches(root) else FrameFolder(root)


class FrameFolder(Frames):
    """Frames as files, all of whose rows are held in memory.

    Args:
        root: a folder with ``metadata.jsonl`` and ``joints.safetensors`` (tensor ``joints``, (N, 50, 3) normalised,
            NaN where absent). Maps that rows name were drawn with the settings in ``frnet.json``, if it is there.

    Raises:
        OSError: a file is missing.
        ValueError: a file has another form.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)
        lines = enumerate(read_lines(self.root / "metadata.jsonl"), 1)
        self.rows = [self._row(number, line) for number, line in lines if line.strip()]
        if not self.rows:
            raise ValueError(f"{self.root}/metadata.jsonl must name at least one frame, but is empty.")
        path = self.root / "joints.safetensors"
        check_weights(path)
        with safe_open(path, framework="numpy") as file:
            kinds = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (a file, not a mapping)
            kind = kinds.get("joints")
            shape = [] if kind is None else kind.get_shape()
            if kind is None or len(shape) != 3 or shape[1:] != [50, 3] or kind.get_dtype() not in FLOATS:
                raise ValueError(f"{path} must hold floats 'joints' of shape (N, 50, 3), but holds other tensors.")
            self._joints = check_joints(file.get_tensor("joints").astype(np.float32), str(path))
        if max(row.joints for row in self.rows) >= len(self._joints):
            raise ValueError(f"{self.root}/metadata.jsonl names joints beyond the {len(self._joints)} of {path.name}.")
        self.frnet = read_frnet(self.root)

    def joints(self, index: int) -> NDArray[np.float32]:
        """See `Frames.joints`."""
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
        return decode_map(_content(self.root / name), str(self.root / name), resolution=resolution)

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

    def _row(self, number: int, line: str) -> Row:
        place = f"{self.root}/metadata.jsonl, line {number}"
        fields = parse_line(line, place)
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


def parse_line(line: str, place: str) -> dict[str, Any]:
    """Read an object of JSON out of a line of a table; ``place`` is named in errors.

    Raises:
        ValueError: it is none.
    """
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{place}: a JSON object is expected, but {error}.") from error
    if not isinstance(fields, dict):
        raise ValueError(f"{place}: a JSON object is expected, but found {type(fields).__name__}.")
    return fields


def check_joints(joints: NDArray[np.float32], place: str) -> NDArray[np.float32]:
    """Make sure that joints, (N, 50, 3), are NaN, where absent, or in bounds; ``place`` is named in errors.

    Raises:
        ValueError: one is infinite, or larger than any coordinate.
    """
    wrong = outside(joints, np.isnan(joints))
    if wrong is not None:
        raise ValueError(f"{place}: joints must be below {LARGEST:,}, but joint {wrong[1]} of row {wrong[0]} is not.")
    return joints


def read_frnet(root: Path) -> dict[str, Any] | None:
    """Read the settings with which FR maps of a folder were drawn, from its ``frnet.json``, if there is one.

    Raises:
        ValueError: it is no JSON object.
    """
    path = root / "frnet.json"
    if not path.is_file():
        return None
    return read_json(path)


def read_image(path: Path, resolution: int) -> NDArray[np.uint8]:
    """Read a square image and bring it to a resolution.

    Args:
        path: a file that OpenCV reads.
        resolution: side of the result in pixels.

    Returns:
        (resolution, resolution, 3) uint8 RGB.

    Raises:
        ValueError: the file is missing, is no image, or is not square.
    """
    return decode_image(_content(path), str(path), resolution=resolution)


def decode_image(content: bytes, place: str, *, resolution: int) -> NDArray[np.uint8]:
    """Decode a square image and bring it to a resolution; ``place`` is named in errors. See `read_image`."""
    image = _decode(content, cv2.IMREAD_COLOR, place)
    if image.shape[0] != resolution:
        shrink = image.shape[0] > resolution
        image = cv2.resize(image, (resolution, resolution), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_CUBIC)
    return np.ascontiguousarray(image[..., ::-1], dtype=np.uint8)


def decode_map(content: bytes, place: str, *, resolution: int) -> NDArray[np.uint8]:
    """Decode a square FR map and bring it to a resolution; it stays black and white.

    Args:
        content: of an image file.
        place: named in errors.
        resolution: side of the result in pixels.

    Returns:
        (resolution, resolution) uint8, every value 0 or 255.

    Raises:
        ValueError: it is no image, or not square.
    """
    fr_map = _decode(content, cv2.IMREAD_GRAYSCALE, place)
    if fr_map.shape[0] != resolution:
        fr_map = cv2.resize(fr_map, (resolution, resolution), interpolation=cv2.INTER_NEAREST)
    return np.where(fr_map > 127, np.uint8(255), np.uint8(0))


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _size(content: bytes, place: str) -> tuple[int, int]:
    """Read an image's size from its header: OpenCV would make room for whatever that says. (0, 0) if it is none."""
    try:
        with Image.open(BytesIO(content)) as picture:
            size = picture.size
            if size[0] * size[1] <= MAX_PIXELS:
                picture.verify()  # a chunk of a PNG may promise more than the file has
            return size
    except Image.DecompressionBombError as error:
        raise ValueError(f"{place} must have at most {MAX_PIXELS} pixels, but: {error}") from error
    except _BROKEN:
        return 0, 0


def _decode(content: bytes, kind: int, place: str) -> NDArray[np.uint8]:
    width, height = _size(content, place)
    if width * height > MAX_PIXELS:
        raise ValueError(f"{place} must have at most {MAX_PIXELS} pixels, but has {width}x{height}.")
    image = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), kind) if width else None
    if image is None:
        raise ValueError(f"{place} must be an image, but cannot be read as one.")
    if image.shape[0] != image.shape[1]:
        raise ValueError(f"{place} must be square, but is {image.shape[1]}x{image.shape[0]}.")
    return np.asarray(image, dtype=np.uint8)
