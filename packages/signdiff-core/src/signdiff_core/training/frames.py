"""A folder of training frames: PNG files, captions, and the joints of each frame."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from safetensors.numpy import load_file

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Row:
    """One frame, as its line of ``metadata.jsonl`` tells."""

    file_name: str
    """The frame, relative to the folder."""

    text: str
    """Caption; the diffusion model's prompt."""

    joints: int
    """Index into ``joints.safetensors``."""

    neutral_file_name: str | None = None
    """The frame of a neutral signer in the same pose."""

    pose_id: str = ""
    """The motion that the frame comes from."""

    frame: int = 0
    """Index of the frame within that motion."""


class FrameFolder:
    """Frames with captions and joints, as ``python -m signdiff_core.avatar.frames`` writes them.

    Args:
        root: a folder with ``metadata.jsonl`` and ``joints.safetensors`` (tensor ``joints``, (N, 50, 3) normalised).

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

    def __len__(self) -> int:
        return len(self.rows)

    def joints(self, index: int) -> NDArray[np.float32]:
        """Return the joints of a frame, (50, 3), normalised."""
        joints: NDArray[np.float32] = self._joints[self.rows[index].joints]
        return joints

    def image(self, index: int, resolution: int) -> NDArray[np.uint8]:
        """Read a frame as (resolution, resolution, 3) uint8 RGB."""
        return read_image(self.root / self.rows[index].file_name, resolution)

    def neutral(self, index: int, resolution: int) -> NDArray[np.uint8] | None:
        """Read the neutral signer's frame in the same pose, if there is one."""
        name = self.rows[index].neutral_file_name
        return None if name is None else read_image(self.root / name, resolution)

    def _row(self, number: int, line: str) -> Row:
        fields = json.loads(line)
        known = {key: fields[key] for key in Row.__dataclass_fields__ if fields.get(key) is not None}
        missing = [key for key in ("file_name", "text", "joints") if key not in known]
        if missing:
            raise ValueError(f"{self.root}/metadata.jsonl, line {number}: {', '.join(missing)} must be given.")
        return Row(**known)


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
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path} must be an image, but cannot be read as one.")
    if image.shape[0] != image.shape[1]:
        raise ValueError(f"{path} must be square, but is {image.shape[1]}x{image.shape[0]}.")
    if image.shape[0] != resolution:
        shrink = image.shape[0] > resolution
        image = cv2.resize(image, (resolution, resolution), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_CUBIC)
    return np.ascontiguousarray(image[..., ::-1], dtype=np.uint8)
