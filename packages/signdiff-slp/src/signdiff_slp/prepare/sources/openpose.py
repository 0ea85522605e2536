"""Folders of OpenPose JSON: how How2Sign is distributed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from signdiff_core.formats import FormatError
from signdiff_core.skeleton import BODY, LEFT_HAND, NUM_JOINTS, RIGHT_HAND
from signdiff_slp.prepare.sources.detections import as_points, stack_people
from signdiff_slp.prepare.sources.json_frames import frames_of, load_object, numbers_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_PARTS: Final = (
    ("pose_keypoints_2d", BODY, ((75,), (54,))),
    ("hand_left_keypoints_2d", LEFT_HAND, ((63,), (0,))),
    ("hand_right_keypoints_2d", RIGHT_HAND, ((63,), (0,))),
)
"""Key, joints, and how many numbers may stand there: BODY_25 or COCO; a hand, or none where it is not detected."""


def read_openpose(folder: Path) -> NDArray[np.float32]:
    """Read a folder of OpenPose JSON.

    Args:
        folder: one file a frame; see `frames_of`.

    Returns:
        (T, P, 50, 3) as in `Detections`.

    Raises:
        FormatError: a file is broken or missing.
    """
    return stack_people([_people(file) for file in frames_of(folder)], folder)


def _people(path: Path) -> NDArray[np.float32]:
    people = load_object(path).get("people")
    if not isinstance(people, list):
        raise FormatError(path, "expected an object with a list 'people'.")
    joints = [_joints(person, path, f"person {number}") for number, person in enumerate(people)]
    return np.stack(joints) if joints else np.zeros((0, NUM_JOINTS, 3), dtype=np.float32)


def _joints(person: Any, path: Path, place: str) -> NDArray[np.float32]:
    joints = np.zeros((NUM_JOINTS, 3))
    for key, part, shapes in _PARTS:
        numbers = numbers_of(person, key, shapes, path=path, place=place)
        if len(numbers):
            joints[part] = numbers.reshape(-1, 3)[: part.stop - part.start]
    return as_points(joints[:, :2], joints[:, 2])
