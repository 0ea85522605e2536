"""From the faces of common detectors to `HEAD` and `FACE` of the skeleton ``body_hands_face``.

MediaPipe's mesh of 468 points (478 with the irises), or any selection of it such as its 128 contour points, becomes
OpenPose's 70: each is one point of the mesh or the middle of two. Against COCO-WholeBody's face on the same frames the
median distance is 0.014 of the face's width at eyes, nose and lips, 0.02 at the brows and 0.045 along the jaw, which is
an outline and no place on the skin. Contour points hold no nose, and only 478 points hold the pupils: those are absent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core.skeleton import FACE_JOINTS, HEAD_JOINTS

Found = Callable[[str], int | None]
"""Finds the place of a point by its name; None if there is no such point."""

_JAW: Final = (127, 234, 93, 132, 58, 136, (149, 150), (148, 176), 152)
_OTHER_JAW: Final = ((377, 400), (378, 379), 365, 288, 361, 323, 454, 356)
_BROWS: Final = (70, (63, 53), (105, 52), (66, 65), (107, 55), (336, 285), (296, 295), (334, 282), (293, 283), 300)
_NOSE: Final = (168, 197, (195, 5), 4, 240, 97, 2, 326, 460)
_EYES: Final = (33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380)
_LIPS: Final = (61, 39, 37, 0, 267, 269, 291, 321, (314, 405), 17, (84, 181), 91)
_INNER_LIPS: Final = (78, 81, 13, 311, 308, 402, 14, 178)
_PUPILS: Final = (468, 473)

MEDIAPIPE_FACE: Final[tuple[tuple[int, ...], ...]] = tuple(
    points if isinstance(points, tuple) else (points,)
    for points in (*_JAW, *_OTHER_JAW, *_BROWS, *_NOSE, *_EYES, *_LIPS, *_INNER_LIPS, *_PUPILS)
)
"""For each of OpenPose's 70 points the points of MediaPipe's mesh whose middle it is."""

_CORNERS: Final = {"RIGHT_EYE": ("33", "133"), "LEFT_EYE": ("362", "263")}
"""Of the eyes in MediaPipe's mesh."""

MIRRORED_HEAD: Final = (1, 0, 3, 2)
"""For each point of `HEAD` the one at its place in a mirror."""

MIRRORED_FACE: Final = (
    *(16 - point for point in range(17)),
    *(43 - point for point in range(17, 27)),
    *(*range(27, 31), *range(35, 30, -1)),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
    *(64, 63, 62, 61, 60, 67, 66, 65, 69, 68),
)
"""For each point of `FACE` the one at its place in a mirror."""

_SAME_CORNERS: Final = (36, 39, 42, 45)
_OPENPOSE_HEADS: Final = {25: (15, 16, 17, 18), 18: (14, 15, 16, 17)}
"""Eyes and ears in OpenPose's bodies, BODY_25 and COCO, by their number of points."""


def holistic_face(
    data: NDArray[np.float64], confidence: NDArray[np.float64], body: Found, mesh: Found
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Take eyes, ears and face out of MediaPipe Holistic's points.

    Depth stays in MediaPipe's unit: of the face from the corners of its eyes, of eyes and ears as it is. Eyes that the
    body lacks, as in files of 178 points, are the middles of the corners in the mesh, and have no depth: NaN.

    Args:
        data: (T, N, 3).
        confidence: (T, N); 0 where absent.
        body: finds ``RIGHT_EYE`` and so on.
        mesh: finds the points of the face, ``"0"`` to ``"477"``.

    Returns:
        Points (T, 74, 3), those of `HEAD` and `FACE`, and confidences (T, 74), 0 where absent.
    """
    head: list[Sequence[int | None]] = [
        [place] if (place := body(name)) is not None else [mesh(corner) for corner in _CORNERS.get(name, ("",))]
        for name in HEAD_JOINTS
    ]
    face = [[mesh(str(point)) for point in points] for points in MEDIAPIPE_FACE]
    places, weights = _middles(data, confidence, [*head, *face])
    for number, name in enumerate(HEAD_JOINTS):
        if body(name) is None:  # where depth is that of the mesh
            places[:, number, 2] = np.nan
    corners = [len(HEAD_JOINTS) + corner for corner in _SAME_CORNERS]
    places[:, len(HEAD_JOINTS) :, 2] -= places[:, corners, 2].mean(axis=1, keepdims=True)
    places[weights == 0] = 0.0
    return places, weights


def openpose_face(
    data: NDArray[np.float64], confidence: NDArray[np.float64], body: tuple[int, int], face: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Take eyes, ears and face out of OpenPose's points; arguments and result as of `holistic_face`.

    ``body`` and ``face`` are the first point and the number of points of each: 25 or 18, and 70, 68 or 0.
    """
    start, count = body
    head: list[Sequence[int | None]] = [[start + place] for place in _OPENPOSE_HEADS.get(count, ())] or [[None]] * 4
    first, length = face
    points = [[first + point if point < length else None] for point in range(len(FACE_JOINTS))]
    return _middles(data, confidence, [*head, *points])


def _middles(
    data: NDArray[np.float64], confidence: NDArray[np.float64], wanted: Sequence[Sequence[int | None]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each list the middle of its points, and the least of their confidences; 0 where one is absent."""
    places, weights = np.zeros((len(data), len(wanted), 3)), np.zeros((len(data), len(wanted)))
    for number, found in enumerate(wanted):
        points = [point for point in found if point is not None]
        if points and len(points) == len(found):
            places[:, number] = data[:, points].mean(axis=1)
            weights[:, number] = confidence[:, points].min(axis=1)
    places[weights == 0] = 0.0
    return places, weights
