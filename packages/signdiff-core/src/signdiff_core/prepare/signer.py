"""Where the signer of a clip is: the joints in pixels of the video, and the square around them.

There is one square for a clip, so that the camera stands still.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from signdiff_core import formats
from signdiff_core.camera import Camera
from signdiff_core.formats.dispatch import takes
from signdiff_core.skeleton import LEFT_SHOULDER, NECK, RIGHT_SHOULDER, SHOULDER_WIDTH, find_skeleton
from signdiff_core.sources import read_pose
from signdiff_core.video.reading import VideoInfo

if TYPE_CHECKING:
    from pose_format import Pose

_ASPECT: Final = 0.02
"""How much the proportions of the picture that a pose was found in may differ from the video's."""

MIN_SIDE: Final = 64
"""Smallest square, in pixels: a signer who is smaller shows no fingers."""


@dataclass(frozen=True, kw_only=True)
class PixelPose:
    """The joints that a detector found.

    Attributes:
        points: (T, J, 2) in pixels of the video, from its top left corner, for the J joints of a skeleton; absent
            joints are anything.
        confidence: (T, J) in [0, 1]; 0 where absent.
        fps: frames per second: the video's if the files name none.
        notes: what was left out while reading.
    """

    points: NDArray[np.float64]
    confidence: NDArray[np.float64]
    fps: float
    notes: tuple[str, ...] = ()


def read_pixels(path: Path, video: VideoInfo, person: int | None = None, *, skeleton: str = "openpose50") -> PixelPose:
    """Read the pose of one person in a video, of anything that `signdiff_core.sources.read_pose` reads.

    The skeleton is "openpose50" or "body_hands_face".

    Raises FormatError where it is broken, normalised, or of another picture, ValueError where it has another skeleton.
    """
    chosen = formats.format_for(path, "read")
    # A format that takes the rate and the picture's size does so because its files do not hold them.
    of_video = {"fps": video.fps, "size": (video.width, video.height)}
    options: dict[str, Any] = {name: value for name, value in of_video.items() if takes(chosen.read, name)}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", formats.FormatWarning)
        pose = read_pose(path, skeleton=skeleton, format=chosen.name, person=person, **options)
    notes = tuple(str(each.message) for each in caught if issubclass(each.category, formats.FormatWarning))
    if formats.is_normalised(pose):
        raise formats.FormatError(path, "expected positions in pixels of the video, but they are normalised.")
    joints, confidence = find_skeleton(skeleton).arrays(pose)
    points = joints[..., :2].astype(np.float64) * _scale(path, pose, video)
    present = confidence > 0
    # A whole picture beyond its edges: no detector guesses that far. The pose is of a larger picture.
    reach = np.abs(np.where(present[..., None], points, 0)).max() if present.any() else 0.0
    if reach > 2 * max(video.width, video.height):
        raise formats.FormatError(
            path, f"expected positions in a picture of {video.width}x{video.height}, but they reach {reach:.0f}."
        )
    return PixelPose(
        points=points,
        confidence=np.where(present, np.minimum(confidence, 1.0), 0.0).astype(np.float64),
        fps=float(pose.body.fps),
        notes=notes,
    )


def _scale(path: Path, pose: Pose, video: VideoInfo) -> float:
    """Pixels of the video per pixel of the picture that the pose names."""
    width, height = int(pose.header.dimensions.width), int(pose.header.dimensions.height)
    across, down = video.width / max(width, 1), video.height / max(height, 1)
    if abs(across / down - 1) > _ASPECT:
        raise formats.FormatError(
            path, f"expected a pose of a picture of {video.width}x{video.height}, but it is of {width}x{height}."
        )
    return across


@dataclass(frozen=True, kw_only=True)
class Square:
    """A square of a picture, in pixels; it may reach over the picture's edges."""

    left: int
    top: int
    side: int

    def padding(self, width: int, height: int) -> float:
        """Share of the square that lies outside a picture of some size."""
        across = min(self.left + self.side, width) - max(self.left, 0)
        down = min(self.top + self.side, height) - max(self.top, 0)
        return 1.0 - max(across, 0) * max(down, 0) / self.side**2

    def normalise(self, points: NDArray[np.floating], camera: Camera | None = None) -> NDArray[np.float64]:
        """Give pixels (..., 2) the normalised coordinates at which a camera shows them in the square.

        Example:
            >>> square = Square(left=100, top=50, side=400)
            >>> there = square.normalise(np.array([[300.0, 250.0]]))
            >>> Camera().project(there, 256).round(6).tolist()  # the middle
            [[128.0, 128.0]]
        """
        camera = camera or Camera()
        share = (np.asarray(points, dtype=np.float64) - (self.left, self.top)) / self.side
        result: NDArray[np.float64] = (share - np.asarray(camera.neck)) / camera.scale
        return result

    def cut(self, picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
        """Cut the square out of a picture (H, W, 3) uint8 at a size; outside, the picture's edge is repeated."""
        height, width = picture.shape[:2]
        right, bottom = self.left + self.side, self.top + self.side
        inside = picture[max(self.top, 0) : min(bottom, height), max(self.left, 0) : min(right, width)]
        edges = (max(-self.top, 0), max(bottom - height, 0), max(-self.left, 0), max(right - width, 0))
        if any(edges):
            inside = np.asarray(cv2.copyMakeBorder(inside, *edges, cv2.BORDER_REPLICATE), dtype=np.uint8)
        if self.side == size:
            return np.ascontiguousarray(inside)
        how = cv2.INTER_AREA if self.side > size else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(inside, (size, size), interpolation=how), dtype=np.uint8)


def find_square(points: NDArray[np.floating], confidence: NDArray[np.floating], camera: Camera | None = None) -> Square:
    """Find the square in which a camera shows the signer of a clip.

    From pixels (T, J, 2) and confidences (T, J), 0 where absent: the median neck and the median distance of the
    shoulders come to lie where the camera has them. Raises ValueError where no frame has a neck, or both shoulders,
    apart; or the square would be smaller than `MIN_SIDE`.

    Example:
        >>> points = np.zeros((1, 50, 2))
        >>> points[0, [1, 2, 5]] = (640, 300), (540, 300), (740, 300)
        >>> find_square(points, np.ones((1, 50)))
        Square(left=370, top=62, side=500)
    """
    camera = camera or Camera()
    present = confidence > 0
    with_neck, both = present[:, NECK], present[:, LEFT_SHOULDER] & present[:, RIGHT_SHOULDER]
    widths = np.linalg.norm(points[both, LEFT_SHOULDER] - points[both, RIGHT_SHOULDER], axis=-1)
    widths = widths[widths > 0]
    if not with_neck.any() or not len(widths):
        raise ValueError("the pose must show a neck and both shoulders in some frame, but they are absent.")
    side = round(float(np.median(widths)) / SHOULDER_WIDTH / camera.scale)
    if side < MIN_SIDE:
        raise ValueError(f"the signer must fill a square of {MIN_SIDE} pixels, but fills one of {side}.")
    neck = np.median(points[with_neck, NECK], axis=0)
    left, top = (round(float(value)) for value in neck - np.asarray(camera.neck) * side)
    return Square(left=left, top=top, side=side)
