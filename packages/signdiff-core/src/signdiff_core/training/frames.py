"""Training frames: images with captions, joints and FR maps, in the layouts that this package writes."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from PIL import Image
from safetensors.numpy import load_file

from signdiff_core.paths import check_name

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import NDArray


MAX_PIXELS: Final = 1 << 26
"""Most pixels of a frame that is read (8192 x 8192)."""


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
        text = (self.root / "metadata.jsonl").read_text(encoding="utf-8")
        self.rows = [self._row(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        if not self.rows:
            raise ValueError(f"{self.root}/metadata.jsonl must name at least one frame, but is empty.")
        tensors = load_file(self.root / "joints.safetensors")
        if "joints" not in tensors or tensors["joints"].ndim != 3 or tensors["joints"].shape[1:] != (50, 3):
            shapes = {name: tensor.shape for name, tensor in tensors.items()}
            raise ValueError(f"joints.safetensors must hold 'joints' of shape (N, 50, 3), but holds {shapes}.")
        self._joints = tensors["joints"].astype(np.float32)
        if max(row.joints for row in self.rows) >= len(self._joints):
            raise ValueError(f"metadata.jsonl names joints beyond the {len(self._joints)} of joints.safetensors.")
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
        fields = json.loads(line)
        known = {key: fields[key] for key in Row.__dataclass_fields__ if fields.get(key) is not None}
        missing = [key for key in ("file_name", "text", "joints") if key not in known]
        if missing:
            raise ValueError(f"{self.root}/metadata.jsonl, line {number}: {', '.join(missing)} must be given.")
        for key in ("file_name", "fr_file_name", "neutral_file_name"):
            if key in known:
                check_name(known[key], f"{self.root}/metadata.jsonl, line {number}: {key}")
        return Row(**known)


def read_frnet(root: Path) -> dict[str, Any] | None:
    """Read the settings with which FR maps of a folder were drawn, from its ``frnet.json``, if there is one."""
    path = root / "frnet.json"
    if not path.is_file():
        return None
    settings = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(settings, dict):
        raise ValueError(f"{path} must hold an object, but holds {type(settings).__name__}.")
    return settings


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
            return picture.size
    except Image.DecompressionBombError as error:
        raise ValueError(f"{place} must have at most {MAX_PIXELS} pixels, but: {error}") from error
    except (OSError, SyntaxError, ValueError):
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
