"""Frames with joints, as signdiff-core's avatar writes them: ``metadata.jsonl``, ``joints.safetensors`` and images."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from signdiff_frnet.commands import one_line
from signdiff_frnet.training.drawings import JOINTS, draw
from signdiff_frnet.training.images import read_rgb, resize, square

if TYPE_CHECKING:
    from pathlib import Path

    from signdiff_frnet.contract import UInt8Image


LARGEST: Final = 1_000_000
"""What no coordinate of a joint is above, in any unit."""


class FrameFolder:
    """A source of frames with joints.

    Rows of ``metadata.jsonl`` name ``file_name`` and ``joints``, a row of the tensor ``joints`` (N, 50, 3) of
    ``joints.safetensors``, normalised, NaN where absent. Rows with the same ``pose_id`` and ``text`` (the signer's
    looks) go together.

    Args:
        root: the folder.

    Raises:
        OSError: a file is missing.
        ValueError: a file has another form.
    """

    def __init__(self, root: Path) -> None:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        self.root = root
        try:
            text = (root / "metadata.jsonl").read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValueError(f"{root}/metadata.jsonl must be UTF-8, but is not: {error}.") from error
        self._rows = [self._row(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        try:
            joints = load_file(root / "joints.safetensors").get("joints")
        except (SafetensorError, KeyError, TypeError) as error:  # the latter two for types that NumPy lacks
            raise ValueError(
                f"{root}/joints.safetensors must be whole, but cannot be read: {one_line(error)}."
            ) from error
        if joints is None or joints.dtype.kind != "f" or joints.ndim != 3 or joints.shape[1:] != (JOINTS, 3):
            raise ValueError(f"{root}/joints.safetensors must hold floats 'joints' of shape (N, {JOINTS}, 3).")
        if (np.abs(joints) > LARGEST).any():
            raise ValueError(f"{root}/joints.safetensors must hold coordinates below {LARGEST:,}, but does not.")
        numbers = [row["joints"] for row in self._rows]
        if not numbers or min(numbers) < 0 or max(numbers) >= len(joints):
            raise ValueError(f"{root}/metadata.jsonl must name frames, and joints below {len(joints)}.")
        self._joints = np.asarray(joints, dtype=np.float32)
        self._signers: dict[tuple[str, str], list[int]] = defaultdict(list)
        for index in range(len(self._rows)):
            self._signers[self._signer(index)].append(index)

    def __len__(self) -> int:
        return len(self._rows)

    def drawing(self, index: int, resolution: int) -> UInt8Image:
        """See `Source.drawing`."""
        joints = self._joints[self._rows[index]["joints"]]
        return draw(joints, np.isfinite(joints).all(axis=1), resolution)

    def frame(self, index: int, resolution: int) -> UInt8Image:
        """See `Source.frame`."""
        return resize(square(read_rgb(self.root / self._rows[index]["file_name"])), resolution)

    def companions(self, index: int) -> list[int]:
        """See `Source.companions`."""
        return [other for other in self._signers[self._signer(index)] if other != index]

    def _signer(self, index: int) -> tuple[str, str]:
        row = self._rows[index]
        return str(row.get("pose_id", "")), str(row.get("text", index))

    def _row(self, number: int, line: str) -> dict[str, Any]:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{self.root}/metadata.jsonl, line {number}: no JSON: {error}.") from error
        if not isinstance(row, dict) or not isinstance(row.get("file_name"), str) or type(row.get("joints")) is not int:
            raise ValueError(f"{self.root}/metadata.jsonl, line {number}: file_name and joints must be given.")
        place = PurePath(row["file_name"])
        if place.is_absolute() or ".." in place.parts or any(sign in str(place) for sign in "\\\0"):
            raise ValueError(
                f"{self.root}/metadata.jsonl, line {number}: file_name must lie in the folder, but is {str(place)!r}."
            )
        return row
