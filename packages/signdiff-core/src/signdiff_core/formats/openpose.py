"""Folders of OpenPose JSON, one file a frame: how How2Sign is distributed."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core.atomic import replacing
from signdiff_core.camera import Camera
from signdiff_core.formats.coordinates import LARGEST, is_normalised
from signdiff_core.formats.files import FormatError, FormatWarning, frames_of, is_absent, load_object, shown
from signdiff_core.skeleton import BODY, FACE, HEAD, LEFT_HAND, RIGHT_HAND, find_skeleton, skeleton_of

if TYPE_CHECKING:  # pose_format is heavy to import
    from pose_format import Pose

FILES: Final = "*_keypoints.json"
"""Which files of a folder are frames."""

_PARTS: Final = (
    ("pose_keypoints_2d", BODY, (25, 18)),
    ("hand_left_keypoints_2d", LEFT_HAND, (21, 0)),
    ("hand_right_keypoints_2d", RIGHT_HAND, (21, 0)),
)
"""Key, joints, and the numbers of points that may stand there: BODY_25 or COCO, a hand or, if not detected, none."""

_FACE_PART: Final = ("face_keypoints_2d", FACE, (70, 68, 0))
_HEADS: Final = {25: (15, 16, 17, 18), 18: (14, 15, 16, 17)}
"""Right eye, left eye, right ear and left ear of the body, by its number of points."""

_BODY_25: Final = 25

_MAX_SIDE: Final = 65535
"""Largest picture that a pose's header can name."""


class OpenposeFormat:
    """Reader and writer of folders of OpenPose JSON."""

    name: Final = "openpose"
    suffixes: Final = ("",)

    def matches(self, path: str | os.PathLike[str]) -> bool:
        """Tell whether a path is a folder that holds a file named ``..._keypoints.json``, not hidden."""
        return Path(path).is_dir() and any(not file.name.startswith(".") for file in Path(path).glob(FILES))

    def read(
        self,
        path: str | os.PathLike[str],
        *,
        fps: float = 25.0,
        size: tuple[int, int] | None = None,
        skeleton: str = "openpose50",
    ) -> Pose:
        """Read a clip, frame by frame: `signdiff_core.sources.read_pose` follows a person and finds rate and size.

        Of several people in a frame the most confident is kept, and a `FormatWarning` says how many were left out. A
        frame without a person becomes a frame in which all joints are absent. NaN and null are absent, too.

        Args:
            path: the folder; its frames are numbered without gaps, from any number.
            fps: frames per second, which the files do not tell.
            size: (width, height) of the picture, which the files do not tell; if not given, the smallest that holds
                every joint.
            skeleton: ``openpose50``, or ``body_hands_face``.

        Returns:
            The joints in pixels, z = 0, with the picture's size in the header: `formats.normalised` brings them to
            normalised coordinates. Pixels are kept so that nothing is lost: float32 holds OpenPose's six digits.

        Raises:
            FileNotFoundError: there is no such folder.
            FormatError: a file is broken, a frame is missing, or there is none.
        """
        files = frames_of(Path(path), FILES)
        wanted = find_skeleton(skeleton)
        frames = np.zeros((len(files), wanted.num_joints, 3), dtype=np.float32)
        dropped, crowded = 0, 0
        for index, file in enumerate(files):
            frames[index], people = read_frame(file, num_joints=wanted.num_joints)
            dropped, crowded = dropped + max(0, people - 1), crowded + (people > 1)
        if dropped:
            message = f"{path}: {dropped} people were left out of {crowded} frames; the most confident was kept."
            warnings.warn(message, FormatWarning, stacklevel=2)
        joints = np.concatenate([frames[..., :2], np.zeros_like(frames[..., :1])], axis=-1)
        pose = wanted.make_pose(joints, fps, confidence=frames[..., 2])
        width, height = size or smallest_picture(frames, Path(path))
        if not (2 <= width <= _MAX_SIDE and 2 <= height <= _MAX_SIDE):
            raise ValueError(f"size must be from 2 to {_MAX_SIDE} each way, but is {width}x{height}.")
        pose.header.dimensions = type(pose.header.dimensions)(width, height, 0)
        return pose

    def write(
        self, pose: Pose, path: str | os.PathLike[str], *, size: int = 1024, camera: Camera | None = None
    ) -> None:
        """Write a clip: to the last bit of float32 for a pose in pixels. Depth is not kept.

        Args:
            pose: a pose of the 50 joints, or of `BODY_HANDS_FACE`.
            path: the folder to make; it may exist if it is empty.
            size: side, in pixels, of the square picture into which a pose in normalised coordinates is projected.
            camera: how it is projected.

        Raises:
            ValueError: the pose has another skeleton, or ``size`` is out of range.
            OSError: the folder cannot be made, or has content.
        """
        if not 2 <= size <= _MAX_SIDE:
            raise ValueError(f"size must be from 2 to {_MAX_SIDE}, but is {size}.")
        joints, confidence = skeleton_of(pose).arrays(pose)
        pixels = (camera or Camera()).project(joints, size) if is_normalised(pose) else joints[..., :2]
        frames = np.concatenate([pixels, confidence[..., None]], axis=-1).astype(np.float32)
        if not np.isfinite(frames).all():
            frame, joint = np.argwhere(~np.isfinite(frames))[0][:2]
            raise FormatError(path, f"expected finite positions, but joint {joint} has none.", place=f"frame {frame}")
        with replacing(path, folder=True) as folder:
            for index, frame in enumerate(frames):
                write_frame(frame, folder / f"{Path(path).resolve().name}_{index:012d}_keypoints.json")


def smallest_picture(frames: NDArray[np.floating], path: Path) -> tuple[int, int]:
    """Give the width and height of the smallest picture that holds all points (..., 2 or 3), which `path` holds."""
    # Two pixels at least: a header of 1 x 1 means normalised coordinates.
    width, height = (max(2, int(np.ceil(frames[..., axis].max())) + 1) for axis in (0, 1))
    if max(width, height) > _MAX_SIDE:
        raise FormatError(path, f"expected positions below {_MAX_SIDE} pixels, but they reach {max(width, height)}.")
    return width, height


def read_people(path: Path, *, num_joints: int = 50) -> NDArray[np.float64]:
    """Read the people of a frame: (P, J, 3) of x, y in pixels and confidence, all 0 where absent.

    J is 50, or 124 with `HEAD` and `FACE`. Raises FormatError where the file is larger than `files.MAX_JSON`, or not a
    frame of OpenPose.
    """
    people = load_object(path).get("people")
    if not isinstance(people, list):
        raise FormatError(path, "expected an object with a list 'people'.")
    joints = [_joints(person, path, f"person {index}", num_joints) for index, person in enumerate(people)]
    return np.stack(joints) if joints else np.zeros((0, num_joints, 3))


def read_frame(path: Path, *, num_joints: int = 50) -> tuple[NDArray[np.float64], int]:
    """Read the most confident person of a frame, (J, 3) as of `read_people`, and how many people there are."""
    people = read_people(path, num_joints=num_joints)
    best = max(people, key=lambda person: float(person[:50, 2].sum()), default=np.zeros((num_joints, 3)))
    return best, len(people)


def write_frame(joints: NDArray[np.float32], path: Path) -> None:
    """Write a frame of one person, or of none if all joints are absent.

    The joints (J, 3), x and y in pixels and confidence, get as many digits as tell float32 numbers apart.
    """
    present = joints[:, 2] > 0
    points = np.where(present[:, None], joints, 0)
    person: dict[str, list[float]] = {"person_id": [-1]}
    for key, part, _ in _PARTS:
        count = _BODY_25 if part == BODY else part.stop - part.start
        padded = np.zeros((count, 3), dtype=np.float32)
        padded[: part.stop - part.start] = points[part]
        if part == BODY and len(points) > FACE.start:
            padded[list(_HEADS[count])] = points[HEAD]
        person[key] = [_shortest(value) for value in padded.ravel()]
    face = points[FACE] if len(points) > FACE.start else np.zeros((FACE.stop - FACE.start, 3), dtype=np.float32)
    person["face_keypoints_2d"] = [_shortest(value) for value in face.ravel()]
    content = {"version": 1.3, "people": [person] if present.any() else []}
    path.write_text(json.dumps(content, separators=(",", ":")), encoding="ascii")


def _shortest(value: np.float32) -> float:
    number = float(str(value))
    return int(number) if number == int(number) else number


def _joints(person: Any, path: Path, place: str, num_joints: int) -> NDArray[np.float64]:
    if not isinstance(person, dict):
        raise FormatError(path, f"expected an object, but found {type(person).__name__}.", place=place)
    joints = np.zeros((num_joints, 3))
    for key, part, counts in (*_PARTS, *([_FACE_PART] if num_joints > FACE.start else [])):
        points = _points_of(person, key, counts, path, place)
        joints[part][: len(points)] = points[: part.stop - part.start]
        if part == BODY and num_joints > HEAD.start:
            joints[HEAD] = points[list(_HEADS[len(points)])]
    absent = (joints[:, 2] <= 0) | ~joints[:, :2].any(axis=1)
    joints[absent] = 0
    return joints


def _points_of(
    person: dict[str, Any], key: str, counts: tuple[int, ...], path: Path, place: str
) -> NDArray[np.float64]:
    """Points (N, 3) of a part, one of ``counts``; those with a null or NaN are 0."""
    numbers = person.get(key)
    numbers = [] if numbers is None else numbers
    if not isinstance(numbers, list) or len(numbers) not in [3 * count for count in counts]:
        found = f"{len(numbers)} numbers" if isinstance(numbers, list) else type(numbers).__name__
        wanted = " or ".join(f"{3 * count}" for count in counts)
        raise FormatError(path, f"expected {wanted} numbers in {key!r}, but found {found}.", place=place)
    for index, number in enumerate(numbers):
        if is_absent(number):
            continue
        if type(number) not in (int, float) or not abs(number) <= LARGEST:
            found = f"{'xyc'[index % 3]} of point {index // 3} is {shown(number)}"
            raise FormatError(path, f"expected numbers up to {LARGEST} in {key!r}, but {found}.", place=place)
    points = np.array(numbers, dtype=np.float64).reshape(-1, 3)  # None becomes NaN
    return np.where(np.isfinite(points).all(axis=1, keepdims=True), points, 0.0)
