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
from signdiff_core.framing import Framing, choose_camera, frame_size, resolved
from signdiff_core.gaps import Missing, fill_gaps
from signdiff_core.skeleton import FACE, HAND_LIMBS, HEAD, LEFT_HAND, NECK, NOSE, RIGHT_HAND

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
_FEATURE: Final = (241, 245, 249)
_RIGHT_EYE, _LEFT_EYE, _RIGHT_EAR, _LEFT_EAR = range(HEAD.start, HEAD.stop)
_BROWS: Final = (range(17, 22), range(22, 27))
_EYES: Final = {_RIGHT_EYE: (*range(36, 42), 36), _LEFT_EYE: (*range(42, 48), 42)}
_LIPS: Final = ((*range(48, 60), 48), (*range(60, 68), 60))
_NOSES: Final = (range(27, 31), range(31, 36))
_PUPILS: Final = (68, 69)
_SHIFT: Final = 4
"""Bits after the point in OpenCV's drawing calls: positions are exact to 1/16 pixel, so that slow motion is smooth."""


class SkeletonRenderer:
    """Draws body, hands and face as lines on a plain background, one colour for each finger.

    Args:
        camera: where the signer stands in the frame, whatever the framing; chosen for each pose if it is not given.

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
        self.camera = camera

    def render(
        self,
        pose: Pose,
        *,
        size: int | None = None,
        width: int | None = None,
        height: int | None = None,
        framing: Framing = "signing space",
        missing: Missing = "hold",
        seed: int = 0,
        start: int = 0,
    ) -> Iterator[NDArray[np.uint8]]:
        """Draw a pose, frame by frame.

        Args:
            pose: a pose of the 50 joints, or with eyes, ears and face, normalised or in pixels.
            size: side of square frames in pixels; 512 if it is not given.
            width: of the frames in pixels, with ``height`` in place of ``size``.
            height: likewise.
            framing: "signing space" shows head and hands of all frames, "recorded" what the source picture showed; or
                a camera, or its scale and the x and y of the neck. See `signdiff_core.framing`.
            missing: what becomes of joints that are absent for long: "hold" or "hide"; see `signdiff_core.gaps`.
            seed: taken for the sake of the protocol; nothing here is random.
            start: number of the first frame to draw.

        Returns:
            Iterator over (height, width, 3) uint8 RGB, one for each frame of the pose from ``start`` on.

        Raises:
            ValueError: the pose has another skeleton or shows nobody, a side is not between 16 and 4096, ``start`` is
                negative, or ``framing`` or ``missing`` is none of those.
        """
        shape = width, height = frame_size(size, width, height)
        if start < 0:
            raise ValueError(f"start must be at least 0, but is {start}.")
        framing = resolved(self.camera or framing, pose, width=width, height=height)
        filled = fill_gaps(visible(pose), missing, include_face=True)
        camera = choose_camera(filled.joints, filled.seen, width=width, height=height, framing=framing)
        return _frames(filled.joints[start:], filled.seen[start:], camera, shape)


def _frames(
    joints: NDArray[np.float32], confidence: NDArray[np.float32], camera: Camera, shape: tuple[int, int]
) -> Iterator[NDArray[np.uint8]]:
    background = _gradient(*shape)
    # In a wider view lines are as much thinner as the signer is smaller.
    unit = min(shape) * min(1.0, camera.scale / Camera.scale)
    for position, weight in zip(joints, confidence, strict=True):
        canvas = background.copy()
        points = camera.project(np.nan_to_num(position), shape)
        present = (weight > 0) & np.isfinite(position).all(axis=1) & (np.abs(points) < 8 * max(shape)).all(axis=1)
        _Figure(canvas, points, present, unit).draw(depth=position[:, 2])
        yield canvas


class _Figure:
    """One frame's drawing: lines in units of the frame's side in the default view."""

    def __init__(
        self, canvas: NDArray[np.uint8], points: NDArray[np.floating], present: NDArray[np.bool_], size: float
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
        drawn = [FACE.start + point for line in (*_BROWS, *_LIPS) for point in line]
        drawn = [point for point in drawn if self.present[point]]
        if drawn:  # a head that nods is shorter, but not its brows
            reach = float(np.linalg.norm(self.points[drawn] - self.points[NOSE], axis=1).max())
            radius = max(radius, min(1.15 * reach, 0.2 * self.size))
        for ear in (_RIGHT_EAR, _LEFT_EAR):
            if self.present[ear]:
                self.dot(self.points[ear], 0.02, _HEAD)
        self.dot(self.points[NOSE], radius / self.size, _HEAD)
        self.face()

    def face(self) -> None:
        for lines, width in ((_BROWS, 0.008), (_NOSES, 0.004), (_EYES.values(), 0.004), (_LIPS, 0.003)):
            for line in lines:
                self.chain([FACE.start + point for point in line], width, _FEATURE)
        for pupil in _PUPILS:
            if self.present[FACE.start + pupil]:
                self.dot(self.points[FACE.start + pupil], 0.005, _FEATURE)
        for eye, outline in _EYES.items():
            if self.present[eye] and not self.present[[FACE.start + point for point in outline]].any():
                self.dot(self.points[eye], 0.008, _FEATURE)

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


def _gradient(width: int, height: int) -> NDArray[np.uint8]:
    top, bottom = (np.array(colour, dtype=np.float64) for colour in _BACKGROUND)
    rows = top + (bottom - top) * np.linspace(0, 1, height)[:, None]
    return np.repeat(np.rint(rows).astype(np.uint8)[:, None], width, axis=1)
