"""MediaPipe Holistic: body, face with irises, and hands of one person.

Its pose is the one that `pose_format`'s own ``video_to_pose`` writes with ``refine_face_landmarks``: the same
components, names and units, which are pixels for x and y, and shares of the picture's width for z.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from importlib import metadata
from typing import TYPE_CHECKING, Any, ClassVar, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from signdiff_core.estimators.store import Person
from signdiff_core.plugins import MEDIAPIPE, PluginError, pip_line

if TYPE_CHECKING:  # pose_format is heavy to import
    from pose_format.pose_header import PoseHeader

_PARTS: Final = (
    *(("pose_landmarks", 33), ("face_landmarks", 478), ("left_hand_landmarks", 21), ("right_hand_landmarks", 21)),
    ("pose_world_landmarks", 33),
)
_BODIES: Final = ("pose_landmarks", "pose_world_landmarks")
"""Parts whose points have a visibility; the points of others are all there or all absent."""

_IRISES: Final = 10
_LARGEST: Final = 2048
"""Longest side, in pixels, of what MediaPipe is shown: its models see less, and larger frames take much memory."""


class HolisticEstimator:
    """MediaPipe Holistic, which follows one person.

    Raises:
        PluginError: the MediaPipe that is installed has no Holistic, or cannot be imported.
    """

    requires: ClassVar[tuple[str, ...]] = ("mediapipe",)
    extra: ClassVar[str] = "signdiff-core[mediapipe]"

    def __init__(self) -> None:
        self._holistic = _import()
        self.version = f"mediapipe {metadata.version('mediapipe')}"

    def header(self, width: int, height: int) -> PoseHeader:
        """Make the header of a pose in the pixels of a picture, as ``video_to_pose`` does."""
        from pose_format.pose_header import PoseHeader, PoseHeaderDimensions
        from pose_format.utils.holistic import holistic_components

        dimensions = PoseHeaderDimensions(width=width, height=height, depth=0)
        return PoseHeader(version=0.2, dimensions=dimensions, components=holistic_components("XYZC", _IRISES))

    def estimate(self, frames: Iterable[NDArray[np.uint8]]) -> Iterator[list[Person]]:
        """Find a person in each of some frames, (H, W, 3) uint8 RGB: 586 points, or an empty list for nobody."""
        with _quiet():
            detector = self._holistic(model_complexity=1, refine_face_landmarks=True)
        with detector:
            for number, frame in enumerate(frames):
                with _quiet() if number == 0 else nullcontext():  # models are opened with the first frame
                    found = detector.process(_shown(frame))
                yield _person(found, frame.shape[1], frame.shape[0])


def _person(found: Any, width: int, height: int) -> list[Person]:
    points, confidences = [], []
    for part, count in _PARTS:
        marks = getattr(found, part)
        if marks is None:
            points.append(np.zeros((count, 3)))
            confidences.append(np.zeros(count))
            continue
        # World landmarks are in metres, and get the picture's size as well: so does video_to_pose.
        points.append(np.array([(mark.x * width, mark.y * height, mark.z) for mark in marks.landmark]))
        seen = [mark.visibility for mark in marks.landmark] if part in _BODIES else [1.0] * count
        confidences.append(np.array(seen))
    confidence = np.concatenate(confidences).astype(np.float32)
    return [(np.concatenate(points).astype(np.float32), confidence)] if confidence.any() else []


def _shown(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    longest = max(frame.shape[:2])
    if longest > _LARGEST:
        size = [max(1, round(side * _LARGEST / longest)) for side in frame.shape[1::-1]]
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(frame)


def _import() -> Any:
    try:
        from mediapipe.python.solutions.holistic import Holistic
    except ImportError as error:
        try:
            here = f"MediaPipe {metadata.version('mediapipe')} is installed, but"
        except metadata.PackageNotFoundError:
            here = "MediaPipe is not installed:"
        raise PluginError(
            f"{here} {' '.join(str(error).split())}; finding people in videos needs {MEDIAPIPE}. "
            f"To get it: {pip_line(HolisticEstimator.extra)}"
        ) from error
    return Holistic


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep MediaPipe's C++ from logging to stderr, past Python, which of its models it opens."""
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(nowhere)
        os.close(saved)
