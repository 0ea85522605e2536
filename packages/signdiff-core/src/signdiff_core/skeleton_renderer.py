"""A pose as a moving figure of lines: the renderer that needs no model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from signdiff_core import skeleton
from signdiff_core.camera import Camera
from signdiff_core.formats.coordinates import visible
from signdiff_core.skeleton import HAND_LIMBS, LEFT_HAND, NECK, NOSE, RIGHT_HAND

if TYPE_CHECKING:  # pose_format is heavy to import
    from pose_format import Pose

Colour = tuple[int, int, int]

_LEFT_ARM: Final = (skeleton.LEFT_SHOULDER, skeleton.LEFT_ELBOW, skeleton.LEFT_WRIST)
_RIGHT_ARM: Final = (skeleton.RIGHT_SHOULDER, skeleton.RIGHT_ELBOW, skeleton.RIGHT_WRIST)
_BACKGROUND: Final = ((250, 250, 247), (226, 231, 238))
_BODY: Final = (71, 85, 105)
_HEAD: Final = (100, 116, 139)
_JOINT: Final = (255, 255, 255)
_FINGERS: Final = ((225, 87, 89), (242, 142, 43), (237, 201, 72), (89, 161, 79), (78, 121, 167))
_PALM: Final = (148, 163, 184)
_SHIFT: Final = 4
"""Bits after the point in OpenCV's drawing calls: positions are exact to 1/16 pixel, so that slow motion is smooth."""


class SkeletonRenderer:
    """Draws body and hands as lines on a plain background, one colour for each finger.

    Args:
        camera: where the signer stands in the frame.

    Example:
        >>> from signdiff_core.skeleton import make_pose
        >>> frames = SkeletonRenderer().render(make_pose(np.zeros((3, 50, 3)), 25), size=64)
        >>> [frame.shape for frame in frames]
        [(64, 64, 3), (64, 64, 3), (64, 64, 3)]
    """

    name: ClassVar[str] = "skeleton"
    requires: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str] = "signdiff-core"

    def __init__(self, *, camera: Camera | None = None) -> None:
        self.camera = camera or Camera()

    def render(
        self, pose: Pose, *, size: int | None = None, seed: int = 0, start: int = 0
    ) -> Iterator[NDArray[np.uint8]]:
        """Draw a pose, frame by frame.

        Args:
            pose: a pose of the 50 joints, normalised or in pixels.
            size: side of the frames in pixels; 512 if it is not given.
            seed: taken for the sake of the protocol; nothing here is random.
            start: number of the first frame to draw.

        Returns:
            Iterator over (size, size, 3) uint8 RGB, one for each frame of the pose from ``start`` on.

        Raises:
            ValueError: the pose has another skeleton or shows nobody, ``size`` is not between 16 and 4096, or ``start``
                is negative.
        """
        size = 512 if size is None else size
        if not 16 <= size <= 4096:
            raise ValueError(f"size must be between 16 and 4096, but is {size}.")
        if start < 0:
            raise ValueError(f"start must be at least 0, but is {start}.")
        joints, confidence = skeleton.joints_of(visible(pose))
        return self._frames(joints[start:], confidence[start:], size)

    def _frames(
        self, joints: NDArray[np.float32], confidence: NDArray[np.float32], size: int
    ) -> Iterator[NDArray[np.uint8]]:
        background = _gradient(size)
        for position, weight in zip(joints, confidence, strict=True):
            canvas = background.copy()
            points = self.camera.project(np.nan_to_num(position), size)
            present = (weight > 0) & np.isfinite(position).all(axis=1) & (np.abs(points) < 8 * size).all(axis=1)
            _Figure(canvas, points, present, size).draw(depth=position[:, 2])
            yield canvas


class _Figure:
    """One frame's drawing: lines in units of the frame's side."""

    def __init__(
        self, canvas: NDArray[np.uint8], points: NDArray[np.floating], present: NDArray[np.bool_], size: int
    ) -> None:
        self.canvas, self.points, self.present, self.size = canvas, points, present, size

    def draw(self, depth: NDArray[np.floating]) -> None:
        self.chain((_LEFT_ARM[0], NECK, _RIGHT_ARM[0]), 0.028, _BODY)
        self.chain((NECK, NOSE), 0.028, _BODY)
        self.head()
        sides = ((_LEFT_ARM, LEFT_HAND), (_RIGHT_ARM, RIGHT_HAND))
        # The farther arm first: z grows away from the viewer.
        for arm, hand in sorted(sides, key=lambda side: -float(depth[side[0][-1]])):
            self.chain(arm, 0.026, _BODY)
            self.hand(hand.start)

    def head(self) -> None:
        if not self.present[NOSE] or not self.present[NECK]:
            return
        reach = float(np.linalg.norm(self.points[NOSE] - self.points[NECK]))
        radius = min(max(0.55 * reach, 0.06 * self.size), 0.14 * self.size)
        self.dot(self.points[NOSE], radius / self.size, _HEAD)

    def hand(self, start: int) -> None:
        for (a, b), finger in zip(HAND_LIMBS, np.repeat(np.arange(5), 4), strict=True):
            self.chain((start + a, start + b), 0.009, _PALM if a == 0 else _FINGERS[finger])
        for joint in range(start, start + 21):
            if self.present[joint]:
                self.dot(self.points[joint], 0.004, _JOINT)

    def chain(self, joints: Sequence[int], width: float, colour: Colour) -> None:
        thickness = max(1, round(width * self.size))
        for a, b in pairwise(joints):
            if self.present[a] and self.present[b]:
                start, end = _fixed(self.points[a]), _fixed(self.points[b])
                cv2.line(self.canvas, start, end, colour, thickness, cv2.LINE_AA, _SHIFT)

    def dot(self, point: NDArray[np.floating], radius: float, colour: Colour) -> None:
        scaled = round(max(1.0, radius * self.size) * 2**_SHIFT)
        cv2.circle(self.canvas, _fixed(point), scaled, colour, -1, cv2.LINE_AA, _SHIFT)


def _fixed(point: NDArray[np.floating]) -> tuple[int, int]:
    x, y = np.rint(point * 2**_SHIFT).astype(int).tolist()
    return x, y


def _gradient(size: int) -> NDArray[np.uint8]:
    top, bottom = (np.array(colour, dtype=np.float64) for colour in _BACKGROUND)
    rows = top + (bottom - top) * np.linspace(0, 1, size)[:, None]
    return np.repeat(np.rint(rows).astype(np.uint8)[:, None], size, axis=1)
