"""The ``.pose`` files of `pose_format`: SignDiff's own interchange."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from signdiff_core.atomic import replacing
from signdiff_core.formats.errors import FormatError

if TYPE_CHECKING:
    import os

    from pose_format import Pose

MAX_BYTES: Final = 2**31
"""Largest file that is read."""

_BROKEN = (
    ArithmeticError,
    AttributeError,
    EOFError,
    IndexError,
    NotImplementedError,
    TypeError,
    ValueError,
    struct.error,
)
"""What the library raises for broken files."""


class PoseFormat:
    """Reader and writer of ``.pose``."""

    name: Final = "pose"
    suffixes: Final = (".pose",)

    def matches(self, path: str | os.PathLike[str]) -> bool:
        """Tell whether a path is a file with the suffix ``.pose``."""
        return Path(path).suffix.lower() == ".pose" and Path(path).is_file()

    def read(self, path: str | os.PathLike[str]) -> Pose:
        """Read a pose of any skeleton.

        Args:
            path: the file, of version 0.0, 0.1 or 0.2.

        Raises:
            FileNotFoundError: there is no such file.
            FormatError: the file is larger than `MAX_BYTES`, broken, cut short, or holds no frame.
        """
        from pose_format import Pose

        size = Path(path).stat().st_size
        if size > MAX_BYTES:
            raise FormatError(path, f"expected at most {MAX_BYTES} bytes, but the file has {size}.")
        buffer = Path(path).read_bytes()
        try:
            _check_length(path, buffer)
            pose = Pose.read(buffer)
        except FormatError:
            raise
        except _BROKEN as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise FormatError(path, f"expected a .pose file, but it is broken or cut short ({reason}).") from error
        if not np.isfinite(pose.body.fps) or pose.body.fps <= 0:
            raise FormatError(path, f"expected a positive frame rate, but it is {pose.body.fps}.", place="body")
        frames, people = pose.body.data.shape[:2]
        if frames == 0 or people == 0:
            raise FormatError(path, f"expected a pose, but it holds {frames} frames of {people} people.", place="body")
        return pose

    def write(self, pose: Pose, path: str | os.PathLike[str]) -> None:
        """Write a pose: to the last bit, for coordinates and confidences in float32.

        Args:
            pose: the pose, of any skeleton.
            path: the file; an existing one is replaced.

        Raises:
            FormatError: the pose's data and header disagree.
            OSError: the file cannot be written.
        """
        with replacing(path) as temporary, temporary.open("wb") as file:
            try:
                pose.write(file)
            except (ValueError, struct.error) as error:
                raise FormatError(path, f"expected a pose that its header describes, but {error}") from error


def _check_length(path: str | os.PathLike[str], buffer: bytes) -> None:
    """Compare what the header announces with what follows, before anything of that size is made."""
    from pose_format.pose_header import PoseHeader
    from pose_format.utils.reader import BufferReader

    reader = BufferReader(buffer)
    header = PoseHeader.read(reader)
    if round(header.version, 3) != 0.2:
        return
    start = reader.read_offset
    _, frames, people = struct.unpack_from("<fIH", buffer, start)
    points, dims = header.total_points(), header.num_dims()
    needed = frames * people * points * (dims + 1) * 4
    left = len(buffer) - start - 10
    if needed != left:
        raise FormatError(
            path,
            f"expected {needed} bytes of body ({frames} frames, {people} people, {points} points, {dims} dimensions), "
            f"but {left} follow: the file is broken or cut short.",
            place=f"byte {start}",
        )
