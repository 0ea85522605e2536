"""The ``.pose`` files of `pose_format`: SignDiff's own interchange."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from signdiff_core.atomic import replacing
from signdiff_core.formats.coordinates import LARGEST, outside
from signdiff_core.formats.files import FormatError
from signdiff_core.rates import MAX_FPS

if TYPE_CHECKING:  # pose_format is heavy to import
    from pose_format import Pose

MAX_BYTES: Final = 2**31
"""Largest file that is read."""

_MAX_OLD: Final = 1 << 26
"""Most numbers that a file of version 0.0 may stand for: a frame without a person takes two bytes there."""

_BROKEN = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
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
        """Read a pose of any skeleton. Joints with a coordinate or confidence that is NaN are absent.

        Args:
            path: the file, of version 0.0, 0.1 or 0.2.

        Raises:
            FileNotFoundError: there is no such file.
            FormatError: the file is larger than `MAX_BYTES`, broken, cut short, holds no frame, or a number that no
                coordinate, no confidence or no frame rate can be, such as infinity.
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
        _hide_what_is_no_number(pose)
        _check_body(path, pose)
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
    start = reader.read_offset
    points, dims = header.total_points(), header.num_dims()
    if not points or dims not in (2, 3):
        raise FormatError(path, f"expected points of x, y and maybe z, but there are {points} of {dims} numbers.")
    if round(header.version, 3) != 0.2:
        _check_old(path, buffer, start, points * (dims + 1), version=header.version)
        return
    _, frames, people = struct.unpack_from("<fIH", buffer, start)
    needed = frames * people * points * (dims + 1) * 4
    left = len(buffer) - start - 10
    if needed != left:
        raise FormatError(
            path,
            f"expected {needed} bytes of body ({frames} frames, {people} people, {points} points, {dims} dimensions), "
            f"but {left} follow: the file is broken or cut short.",
            place=f"byte {start}",
        )


def _check_old(path: str | os.PathLike[str], buffer: bytes, start: int, numbers: int, *, version: float) -> None:
    """As `_check_length` for versions that do not tell the number of frames, or not the length of one."""
    _, frames, people = struct.unpack_from("<HHH", buffer, start)
    if version == 0:
        if frames * numbers > _MAX_OLD:
            raise FormatError(
                path, f"expected at most {_MAX_OLD} numbers, but there are {frames} frames of {numbers}.", place="body"
            )
        return
    left = len(buffer) - start - 6
    if not people or left % (people * numbers * 4):
        raise FormatError(
            path,
            f"expected whole frames of {people * numbers * 4} bytes ({people} people of {numbers} numbers), but {left} "
            "bytes follow: the file is broken or cut short.",
            place=f"byte {start}",
        )


def _hide_what_is_no_number(pose: Pose) -> None:
    """Make joints absent that hold a NaN, as where a detector's table was written out as it was."""
    data, confidence = pose.body.data, np.ma.getdata(pose.body.confidence)
    absent = np.isnan(np.ma.getdata(data)).any(axis=-1) | np.isnan(confidence)
    if absent.any():
        mask = np.ma.getmaskarray(data) | absent[..., None]
        pose.body.data = np.ma.masked_array(np.where(absent[..., None], 0, np.ma.getdata(data)), mask=mask)
        pose.body.confidence = np.where(absent, 0, confidence).astype(confidence.dtype)


def _check_body(path: str | os.PathLike[str], pose: Pose) -> None:
    fps, body = pose.body.fps, pose.body
    if not 1 / MAX_FPS <= fps <= MAX_FPS:
        raise FormatError(path, f"expected a positive frame rate up to {MAX_FPS:g}, but it is {fps:g}.", place="body")
    frames, people = body.data.shape[:2]
    if frames == 0 or people == 0:
        raise FormatError(path, f"expected a pose, but it holds {frames} frames of {people} people.", place="body")
    confidence = np.ma.getdata(body.confidence)
    for values, absent, what in (
        (np.ma.getdata(body.data), np.ma.getmaskarray(body.data), "coordinates"),
        (confidence, None, "confidences"),
    ):
        if (found := outside(values, absent)) is not None:
            frame, person, joint, *_ = found
            raise FormatError(
                path,
                f"expected {what} that are finite and up to {LARGEST}, but joint {joint} "
                f"({_name_of(pose, joint)}) has {values[found]:g}.",
                place=f"frame {frame}" + (f", person {person}" if people > 1 else ""),
            )


def _name_of(pose: Pose, joint: int) -> str:
    names = [f"{component.name} {point}" for component in pose.header.components for point in component.points]
    return names[joint]
