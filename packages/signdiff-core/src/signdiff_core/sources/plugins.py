"""What detectors leave, as pose formats that are read and not written: DWPose's JSON, MediaPipe's ``.npz``, ``.h5``."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from signdiff_core.sources.find import Kind, kind_of_folder
from signdiff_core.sources.poses import read_pose

if TYPE_CHECKING:  # pose_format is heavy to import
    from pose_format import Pose


class _Detections:
    """Reads with `read_pose`."""

    name: ClassVar[Kind]

    def _read(self, path: str | os.PathLike[str], **options: Any) -> Pose:
        return read_pose(path, format=self.name, **options)


class DWPoseFormat(_Detections):
    """Reader of folders of DWPose JSON (COCO-WholeBody, 133 points), a file a frame."""

    name = "dwpose"
    suffixes: ClassVar[tuple[str, ...]] = ("",)

    def matches(self, path: str | os.PathLike[str]) -> bool:
        """Tell whether a path is a folder of DWPose JSON."""
        return Path(path).is_dir() and kind_of_folder(Path(path)) == self.name

    def read(
        self,
        path: str | os.PathLike[str],
        *,
        fps: float | None = None,
        person: int | None = None,
        size: tuple[int, int] | None = None,
        skeleton: str | None = None,
    ) -> Pose:
        """Read a clip: arguments, result and errors as of `read_pose`."""
        return self._read(path, fps=fps, person=person, size=size, skeleton=skeleton)


class MediaPipeFormat(_Detections):
    """Reader of ``.npz`` with ``pose`` (T, 33, 4), ``left_hand``, ``right_hand`` (T, 21, 4) and maybe ``face``."""

    name = "mediapipe"
    suffixes: ClassVar[tuple[str, ...]] = (".npz",)

    def matches(self, path: str | os.PathLike[str]) -> bool:
        """Tell whether a path is a file with the suffix ``.npz`` that holds a body and hands."""
        if Path(path).suffix.lower() != ".npz" or not Path(path).is_file():
            return False
        try:
            with zipfile.ZipFile(path) as archive:
                return {"pose.npy", "left_hand.npy", "right_hand.npy"} <= set(archive.namelist())
        except (OSError, zipfile.BadZipFile):
            return True  # reading it says what is wrong

    def read(
        self,
        path: str | os.PathLike[str],
        *,
        fps: float | None = None,
        person: int | None = None,
        size: tuple[int, int] | None = None,
        skeleton: str | None = None,
    ) -> Pose:
        """Read a clip: arguments, result and errors as of `read_pose`."""
        return self._read(path, fps=fps, person=person, size=size, skeleton=skeleton)


class H5Format(_Detections):
    """Reader of ``.h5`` of the lifting code of Zelinka & Kanis (2020), a data set (T, 150) a clip."""

    name = "h5"
    suffixes: ClassVar[tuple[str, ...]] = (".h5", ".hdf5")

    def matches(self, path: str | os.PathLike[str]) -> bool:
        """Tell whether a path is a file with the suffix ``.h5`` or ``.hdf5``."""
        return Path(path).suffix.lower() in self.suffixes and Path(path).is_file()

    def read(
        self,
        path: str | os.PathLike[str],
        *,
        clip: str | None = None,
        fps: float | None = None,
        size: tuple[int, int] | None = None,
        skeleton: str | None = None,
    ) -> Pose:
        """Read a clip, by its name if the file has several: arguments, result and errors as of `read_pose`."""
        return self._read(path, clip=clip, fps=fps, size=size, skeleton=skeleton)
