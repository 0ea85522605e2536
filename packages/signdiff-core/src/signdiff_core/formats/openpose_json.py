"""One frame of OpenPose JSON: its people, and the 50 joints of one of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from signdiff_core.formats.bounds import LARGEST
from signdiff_core.formats.errors import FormatError
from signdiff_core.formats.json_frames import load_object, shown
from signdiff_core.skeleton import BODY, LEFT_HAND, NUM_JOINTS, RIGHT_HAND

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FILES: Final = "*_keypoints.json"
"""Which files of a folder are frames."""

_PARTS: Final = (
    ("pose_keypoints_2d", BODY, (25, 18)),
    ("hand_left_keypoints_2d", LEFT_HAND, (21, 0)),
    ("hand_right_keypoints_2d", RIGHT_HAND, (21, 0)),
)
"""Key, joints, and the numbers of points that may stand there: BODY_25 or COCO, a hand or, if not detected, none."""

_BODY_25: Final = 25
_FACE: Final = 70


def read_people(path: Path) -> NDArray[np.float64]:
    """Read the people of a frame.

    Args:
        path: a file of one frame.

    Returns:
        (P, 50, 3) of x, y in pixels and confidence, all 0 where a joint is absent.

    Raises:
        FormatError: the file is larger than `json_frames.MAX_BYTES`, or not a frame of OpenPose.
    """
    people = load_object(path).get("people")
    if not isinstance(people, list):
        raise FormatError(path, "expected an object with a list 'people'.")
    joints = [_joints(person, path, f"person {index}") for index, person in enumerate(people)]
    return np.stack(joints) if joints else np.zeros((0, NUM_JOINTS, 3))


def read_frame(path: Path) -> tuple[NDArray[np.float64], int]:
    """Read the most confident person of a frame.

    Args:
        path: a file of one frame.

    Returns:
        (50, 3) as of `read_people`, all 0 if there is nobody; and how many people are in the frame.

    Raises:
        FormatError: as of `read_people`.
    """
    people = read_people(path)
    best = max(people, key=lambda person: float(person[:, 2].sum()), default=np.zeros((NUM_JOINTS, 3)))
    return best, len(people)


def write_frame(joints: NDArray[np.float32], path: Path) -> None:
    """Write a frame of one person, or of none if all joints are absent.

    Args:
        joints: (50, 3) of x, y in pixels and confidence; written with as many digits as tell float32 numbers apart.
        path: the file.
    """
    present = joints[:, 2] > 0
    points = np.where(present[:, None], joints, 0)
    person: dict[str, list[float]] = {"person_id": [-1]}
    for key, part, _ in _PARTS:
        count = _BODY_25 if part == BODY else part.stop - part.start
        padded = np.zeros((count, 3), dtype=np.float32)
        padded[: part.stop - part.start] = points[part]
        person[key] = [_shortest(value) for value in padded.ravel()]
    person["face_keypoints_2d"] = [0] * (3 * _FACE)
    content = {"version": 1.3, "people": [person] if present.any() else []}
    path.write_text(json.dumps(content, separators=(",", ":")), encoding="ascii")


def _shortest(value: np.float32) -> float:
    number = float(str(value))
    return int(number) if number == int(number) else number


def _joints(person: Any, path: Path, place: str) -> NDArray[np.float64]:
    if not isinstance(person, dict):
        raise FormatError(path, f"expected an object, but found {type(person).__name__}.", place=place)
    joints = np.zeros((NUM_JOINTS, 3))
    for key, part, counts in _PARTS:
        numbers = person.get(key, [])
        if not isinstance(numbers, list) or len(numbers) not in [3 * count for count in counts]:
            found = f"{len(numbers)} numbers" if isinstance(numbers, list) else type(numbers).__name__
            wanted = " or ".join(f"{3 * count}" for count in counts)
            raise FormatError(path, f"expected {wanted} numbers in {key!r}, but found {found}.", place=place)
        for index, number in enumerate(numbers):
            if type(number) not in (int, float) or not abs(number) <= LARGEST:
                found = f"{'xyc'[index % 3]} of point {index // 3} is {shown(number)}"
                raise FormatError(path, f"expected numbers up to {LARGEST} in {key!r}, but {found}.", place=place)
        if numbers:
            points = np.array(numbers, dtype=np.float64).reshape(-1, 3)
            joints[part] = points[: part.stop - part.start]
    absent = (joints[:, 2] <= 0) | ~joints[:, :2].any(axis=1)
    joints[absent] = 0
    return joints
