"""Folders of OpenPose JSON, one file a frame: how How2Sign is distributed."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from signdiff_core.atomic import replacing
from signdiff_core.camera import Camera
from signdiff_core.formats.errors import FormatError, FormatWarning
from signdiff_core.formats.json_frames import frames_of
from signdiff_core.formats.normalise import is_normalised
from signdiff_core.formats.openpose_json import FILES, read_frame, write_frame
from signdiff_core.skeleton import NUM_JOINTS, joints_of, make_pose

if TYPE_CHECKING:
    import os

    from pose_format import Pose

_MAX_SIDE: Final = 65535
"""Largest picture that a pose's header can name."""


class OpenposeFormat:
    """Reader and writer of folders of OpenPose JSON."""

    name: Final = "openpose"
    suffixes: Final = ("",)

    def matches(self, path: str | os.PathLike[str]) -> bool:
        """Tell whether a path is a folder that holds a file named ``..._keypoints.json``, not hidden."""
        return Path(path).is_dir() and any(not file.name.startswith(".") for file in Path(path).glob(FILES))

    def read(self, path: str | os.PathLike[str], *, fps: float = 25.0, size: tuple[int, int] | None = None) -> Pose:
        """Read a clip.

        Of several people in a frame the most confident is kept, and a `FormatWarning` says how many were left out. A
        frame without a person becomes a frame in which all joints are absent. Of BODY_25 the first 8 points are kept.

        Args:
            path: the folder; its frames are numbered without gaps, from any number.
            fps: frames per second, which the files do not tell.
            size: (width, height) of the picture, which the files do not tell; if not given, the smallest that holds
                every joint.

        Returns:
            The 50 joints in pixels, z = 0, with the picture's size in the header: `formats.normalised` brings them to
            normalised coordinates. Pixels are kept so that nothing is lost: float32 holds OpenPose's six digits.

        Raises:
            FileNotFoundError: there is no such folder.
            FormatError: a file is broken, a frame is missing, or there is none.
        """
        files = frames_of(Path(path), FILES)
        frames = np.zeros((len(files), NUM_JOINTS, 3), dtype=np.float32)
        dropped, crowded = 0, 0
        for index, file in enumerate(files):
            frames[index], people = read_frame(file)
            dropped, crowded = dropped + max(0, people - 1), crowded + (people > 1)
        if dropped:
            message = f"{path}: {dropped} people were left out of {crowded} frames; the most confident was kept."
            warnings.warn(message, FormatWarning, stacklevel=2)
        joints = np.concatenate([frames[..., :2], np.zeros_like(frames[..., :1])], axis=-1)
        pose = make_pose(joints, fps, confidence=frames[..., 2])
        width, height = size or _smallest_picture(frames, Path(path))
        if not (2 <= width <= _MAX_SIDE and 2 <= height <= _MAX_SIDE):
            raise ValueError(f"size must be from 2 to {_MAX_SIDE} each way, but is {width}x{height}.")
        pose.header.dimensions = type(pose.header.dimensions)(width, height, 0)
        return pose

    def write(
        self, pose: Pose, path: str | os.PathLike[str], *, size: int = 1024, camera: Camera | None = None
    ) -> None:
        """Write a clip: to the last bit of float32 for a pose in pixels. Depth is not kept.

        Args:
            pose: a pose of the 50 joints.
            path: the folder to make; it may exist if it is empty.
            size: side, in pixels, of the square picture into which a pose in normalised coordinates is projected.
            camera: how it is projected.

        Raises:
            ValueError: the pose has another skeleton, or ``size`` is out of range.
            OSError: the folder cannot be made, or has content.
        """
        if not 2 <= size <= _MAX_SIDE:
            raise ValueError(f"size must be from 2 to {_MAX_SIDE}, but is {size}.")
        joints, confidence = joints_of(pose)
        pixels = (camera or Camera()).project(joints, size) if is_normalised(pose) else joints[..., :2]
        frames = np.concatenate([pixels, confidence[..., None]], axis=-1).astype(np.float32)
        if not np.isfinite(frames).all():
            frame, joint = np.argwhere(~np.isfinite(frames))[0][:2]
            raise FormatError(path, f"expected finite positions, but joint {joint} has none.", place=f"frame {frame}")
        with replacing(path, folder=True) as folder:
            for index, frame in enumerate(frames):
                write_frame(frame, folder / f"{Path(path).resolve().name}_{index:012d}_keypoints.json")


def _smallest_picture(frames: np.ndarray, path: Path) -> tuple[int, int]:
    # Two pixels at least: a header of 1 x 1 means normalised coordinates.
    width, height = (max(2, int(np.ceil(frames[..., axis].max())) + 1) for axis in (0, 1))
    if max(width, height) > _MAX_SIDE:
        raise FormatError(path, f"expected positions below {_MAX_SIDE} pixels, but they reach {max(width, height)}.")
    return width, height
