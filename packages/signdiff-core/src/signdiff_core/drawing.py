"""Poses as OpenPose control images: the drawings that Stable Diffusion ControlNets were trained on.

The figure follows ``controlnet_aux`` (``open_pose/util.py``): limbs are filled ellipses of half-width 4 at 60% of their
colour, body joints are dots of radius 4, fingers are lines of width 2, hand joints are blue dots of radius 4. With a
face, eyes and ears belong to the body, and the face's points are white dots of radius 3.
``controlnet_aux`` keeps these pixels whatever the size of its canvas, and draws on one whose shorter side is 512. So
``line_scale`` is 1 at 512, where both drawings are equal to the pixel, and follows the size elsewhere: at 256 a hand
keeps its shape in place of becoming one blue spot.
"""

from __future__ import annotations

import colorsys
import math
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from signdiff_core.camera import Camera
from signdiff_core.skeleton import (
    BODY_HANDS_FACE,
    FACE,
    HAND_LIMBS,
    HEAD,
    LEFT_HAND,
    NUM_JOINTS,
    RIGHT_HAND,
    masked_as_absent,
)

if TYPE_CHECKING:
    from PIL import Image

Colour = tuple[int, int, int]

REFERENCE_SIZE: Final = 512
"""Side at which lines have the widths of ``controlnet_aux``."""

_STICK, _DOT, _FINGER, _FACE_DOT = 4, 4, 2, 3
_FAR: Final = 2**14
"""Positions beyond this many pixels are taken as outside: OpenCV's integers would overflow."""


def _hue(step: int, steps: int) -> Colour:
    # Python rounds halves to even (76.5 to 76, 229.5 to 230), as OpenCV does with the float colours that it is given.
    red, green, blue = (round(255 * channel) for channel in colorsys.hsv_to_rgb(step / steps, 1, 1))
    return red, green, blue


_DOTS: Final = tuple(
    (joint, _hue(number, 18))
    for joint, number in (*((joint, joint) for joint in range(8)), *zip(range(50, 54), range(14, 18), strict=True))
)
_NECK_TO_NOSE: Final = 12
_RIGHT_EYE, _LEFT_EYE, _RIGHT_EAR, _LEFT_EAR = range(HEAD.start, HEAD.stop)
_HEAD_LIMBS: Final = (
    *((0, _RIGHT_EYE, 13), (_RIGHT_EYE, _RIGHT_EAR, 14)),
    *((0, _LEFT_EYE, 15), (_LEFT_EYE, _LEFT_EAR, 16)),
)
_LIMBS: Final = tuple(
    (a, b, tuple(int(0.6 * channel) for channel in _hue(step, 18)))
    for a, b, step in (
        *((1, 2, 0), (1, 5, 1), (2, 3, 2), (3, 4, 3), (5, 6, 4), (6, 7, 5), (1, 0, _NECK_TO_NOSE)),
        *_HEAD_LIMBS,
    )
)
_FINGER_COLOURS: Final = tuple(_hue(limb, 20) for limb in range(20))
_HAND_DOT: Final = (0, 0, 255)
_WHITE: Final = (255, 255, 255)


def draw(
    joints: NDArray[np.floating],
    confidence: NDArray[np.floating] | None = None,
    *,
    size: int | tuple[int, int] = REFERENCE_SIZE,
    camera: Camera | None = None,
    line_scale: float | None = None,
) -> NDArray[np.uint8]:
    """Draw a pose in normalised coordinates.

    Args:
        joints: (50, 2 or 3) positions, or (124, 2 or 3) with eyes, ears and face; depth is ignored. What is masked is
            absent.
        confidence: (50,) or (124,); 0 means absent. Everything is present if it is not given.
        size: side of a square frame, or (height, width).
        camera: where the signer stands in the frame; by default as `Camera.centred` has it.
        line_scale: factor for widths and radii; if not given, the shorter side / 512.

    Returns:
        (H, W, 3) uint8 RGB, the figure on black.

    Raises:
        ValueError: ``joints``, ``confidence``, ``size`` or ``line_scale`` has another shape or range.

    Example:
        >>> joints = np.zeros((50, 3))
        >>> joints[0] = (0, -0.2, 0)
        >>> draw(joints, size=64).shape
        (64, 64, 3)
    """
    height, width = _size(size)
    joints, confidence = masked_as_absent(joints, confidence)
    camera = camera or Camera.centred(width, height)
    pixels = camera.project(joints.astype(np.float64), (width, height))
    return draw_pixels(pixels, confidence, size=(height, width), line_scale=line_scale)


def draw_pixels(
    pixels: NDArray[np.floating],
    confidence: NDArray[np.floating] | None = None,
    *,
    size: int | tuple[int, int],
    line_scale: float | None = None,
) -> NDArray[np.uint8]:
    """Draw a pose in pixels.

    Args:
        pixels: (50, 2) or (124, 2) x and y from the top left corner; what is masked is absent.
        confidence: (50,) or (124,); 0 means absent. Everything is present if it is not given.
        size: side of a square frame, or (height, width).
        line_scale: factor for widths and radii; if not given, the shorter side / 512.

    Returns:
        (H, W, 3) uint8 RGB, the figure on black.

    Raises:
        ValueError: an argument has another shape or range, or a present joint is not finite.
    """
    height, width = _size(size)
    scale = min(height, width) / REFERENCE_SIZE if line_scale is None else line_scale
    if not 0 < scale <= 64:
        raise ValueError(f"line_scale must be in (0, 64], but is {scale}.")
    points, present = _checked(pixels, confidence)
    canvas: NDArray[np.uint8] = np.zeros((height, width, 3), dtype=np.uint8)
    _draw_body(canvas, points, present, scale)
    for hand in (LEFT_HAND, RIGHT_HAND):
        _draw_hand(canvas, points[hand], present[hand], scale)
    corners = points[FACE].astype(int)
    for place in corners[present[FACE] & (corners > 0).all(axis=1)].tolist():
        cv2.circle(canvas, place, _pixels(_FACE_DOT, scale), _WHITE, -1)
    return canvas


def _draw_body(
    canvas: NDArray[np.uint8], points: NDArray[np.float64], present: NDArray[np.bool_], scale: float
) -> None:
    half_width, radius = _pixels(_STICK, scale), _pixels(_DOT, scale)
    for a, b, colour in _LIMBS:
        if max(a, b) < len(points) and present[a] and present[b]:
            (xa, ya), (xb, yb) = points[a].tolist(), points[b].tolist()
            centre = (int((xa + xb) / 2), int((ya + yb) / 2))
            half_length = int(math.hypot(xa - xb, ya - yb) / 2)
            angle = int(math.degrees(math.atan2(ya - yb, xa - xb)))
            outline = cv2.ellipse2Poly(centre, (half_length, half_width), angle, 0, 360, 1)
            cv2.fillConvexPoly(canvas, outline, colour)
    for joint, colour in _DOTS:
        if joint < len(points) and present[joint]:
            x, y = points[joint].tolist()
            cv2.circle(canvas, (int(x), int(y)), radius, colour, -1)


def _draw_hand(
    canvas: NDArray[np.uint8], points: NDArray[np.float64], present: NDArray[np.bool_], scale: float
) -> None:
    corners = points.astype(int)
    # As in controlnet_aux, what lies on or beyond the left or the upper edge is not drawn.
    drawn = present & (corners > 0).all(axis=1)
    places = [(x, y) for x, y in corners.tolist()]
    for (a, b), colour in zip(HAND_LIMBS, _FINGER_COLOURS, strict=True):
        if drawn[a] and drawn[b]:
            cv2.line(canvas, places[a], places[b], colour, _pixels(_FINGER, scale))
    for place in np.flatnonzero(drawn):
        cv2.circle(canvas, places[place], _pixels(_DOT, scale), _HAND_DOT, -1)


def _pixels(width: int, scale: float) -> int:
    return max(1, round(width * scale))


def _size(size: int | tuple[int, int]) -> tuple[int, int]:
    height, width = (size, size) if isinstance(size, int) else size
    if not (8 <= height <= 8192 and 8 <= width <= 8192):
        raise ValueError(f"size must be from 8 to 8192 each way, but is {height}x{width}.")
    return height, width


def _checked(
    pixels: NDArray[np.floating], confidence: NDArray[np.floating] | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    pixels, confidence = masked_as_absent(pixels, confidence)
    points = pixels.astype(np.float64)
    if points.shape not in ((NUM_JOINTS, 2), (BODY_HANDS_FACE.num_joints, 2)):
        raise ValueError(f"the positions must have the shape ({NUM_JOINTS}, 2), but have {points.shape}.")
    present = np.ones(len(points), dtype=bool) if confidence is None else np.asarray(confidence) > 0
    if present.shape != points.shape[:1]:
        raise ValueError(f"confidence must have the shape ({len(points)},), but has {present.shape}.")
    if not np.isfinite(points[present]).all():
        joint = int(np.flatnonzero(present & ~np.isfinite(points).all(axis=1))[0])
        raise ValueError(f"joints must be finite where they are present, but joint {joint} is {points[joint]}.")
    near = present & (np.abs(np.where(present[:, None], points, 0)) < _FAR).all(axis=1)
    return np.where(near[:, None], points, 0), near


class OpenposeDrawer:
    """The annotator ``openpose``: draws a known pose where ``controlnet_aux.OpenposeDetector`` looks for one.

    Args:
        camera: where the signer stands in the frame.

    Example:
        >>> OpenposeDrawer()(np.zeros((50, 3)), detect_resolution=256, image_resolution=128).size
        (128, 128)
    """

    def __init__(self, *, camera: Camera | None = None) -> None:
        self.camera = camera or Camera()

    @classmethod
    def from_pretrained(cls, pretrained_model_or_path: str | None = None, **_options: Any) -> OpenposeDrawer:
        """Make a drawer; there are no weights, and the arguments stand for symmetry with the detectors."""
        return cls()

    def __call__(
        self,
        joints: NDArray[np.floating],
        confidence: NDArray[np.floating] | None = None,
        *,
        detect_resolution: int = 512,
        image_resolution: int = 512,
        output_type: str = "pil",
        line_scale: float | None = 1,
    ) -> Image.Image | NDArray[np.uint8]:
        """Draw one frame, by default with the widths of ``controlnet_aux``, and bring it to the size asked.

        Args:
            joints: (50, 2 or 3) normalised positions, or (124, 2 or 3) with eyes, ears and face.
            confidence: (50,) or (124,); 0 means absent.
            detect_resolution: side of the canvas that is drawn on.
            image_resolution: side of the image that is returned.
            output_type: ``"pil"`` or ``"np"``.
            line_scale: factor for widths and radii; None: ``detect_resolution`` / 512, as `draw` has it.

        Returns:
            The drawing, (image_resolution, image_resolution, 3) RGB.

        Raises:
            ValueError: an argument has another shape or range.
        """
        if output_type not in ("pil", "np"):
            raise ValueError(f"output_type must be 'pil' or 'np', but is {output_type!r}.")
        _size(image_resolution)
        drawing = draw(joints, confidence, size=detect_resolution, camera=self.camera, line_scale=line_scale)
        if image_resolution != detect_resolution:
            drawing = cv2.resize(drawing, (image_resolution, image_resolution), interpolation=cv2.INTER_LINEAR)
        if output_type == "np":
            return drawing
        from PIL import Image

        return Image.fromarray(drawing)
