"""Pictures of training data: read as square RGB frames, packed, and moved together with their drawings."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from signdiff_frnet.contract import UInt8Image, to_hwc3
from signdiff_frnet.pictures import read_image
from signdiff_frnet.videos import read_video

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
VIDEOS = (".mp4", ".mkv", ".avi", ".mov", ".webm")


def read_rgb(path: Path) -> UInt8Image:
    """Read a picture as (H, W, 3) uint8 RGB, by the rules of the command; opacity is laid over white."""
    return to_hwc3(read_image(path))


def read_every(path: Path, step: int) -> Iterator[UInt8Image]:
    """Read every so many frames of a video, each as (H, W, 3) uint8 RGB."""
    yield from (frame for number, frame in enumerate(read_video(path)) if number % step == 0)


def square(image: UInt8Image) -> UInt8Image:
    """Cut the middle square out of an image (H, W, 3)."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]


def resize(image: UInt8Image, resolution: int, *, smooth: bool = True) -> UInt8Image:
    """Bring a square image (S, S, 3) uint8 to (resolution, resolution, 3); a drawing is not enlarged smoothly."""
    if image.shape[:2] == (resolution, resolution):
        return image
    enlarge = cv2.INTER_CUBIC if smooth else cv2.INTER_LINEAR
    method = cv2.INTER_AREA if resolution < image.shape[0] else enlarge
    resized: UInt8Image = cv2.resize(np.ascontiguousarray(image), (resolution, resolution), interpolation=method)
    return resized


def pack(image: UInt8Image) -> bytes:
    """Compress an image (H, W, 3) RGB losslessly, to keep many of them in memory."""
    # Level 1: clips are unpacked far more often than packed, and most of the gain is in it.
    return cv2.imencode(".png", image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def unpack(data: bytes) -> UInt8Image:
    """Undo `pack`."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return np.ascontiguousarray(np.asarray(image)[..., ::-1], dtype=np.uint8)


class Framing(NamedTuple):
    """A change of scale about the middle, and a shift.

    Frames of one source are framed alike; other people's are not, and a predictor that saw one framing only would
    know no other.
    """

    matrix: NDArray[np.float64]
    """(2, 3), from pixels of the source to pixels of the sample."""

    @classmethod
    def draw(
        cls, rng: np.random.Generator, side: int, *, scale: tuple[float, float], translate: tuple[float, float]
    ) -> Self:
        """Draw one at random, for a side in pixels; the ranges mean what they mean to torchvision's ``RandomAffine``.

        The scale is about the middle, all ratios alike; shifts, horizontal and vertical, are at most shares of the
        side.
        """
        factor = float(np.exp(rng.uniform(*np.log(scale))))
        shift = rng.uniform(-1, 1, size=2) * translate * side
        middle = (side - 1) / 2
        return cls(
            np.array([[factor, 0, middle * (1 - factor) + shift[0]], [0, factor, middle * (1 - factor) + shift[1]]])
        )

    def of_frame(self, frame: UInt8Image) -> UInt8Image:
        """Move a frame (S, S, 3); what comes in from outside repeats its border."""
        return self._warp(frame, cv2.BORDER_REPLICATE)

    def of_drawing(self, drawing: UInt8Image) -> UInt8Image:
        """Move a drawing (S, S, 3) on black."""
        return self._warp(drawing, cv2.BORDER_CONSTANT)

    def _warp(self, image: UInt8Image, border: int) -> UInt8Image:
        warped: UInt8Image = cv2.warpAffine(
            image, self.matrix, (image.shape[1], image.shape[0]), flags=cv2.INTER_LINEAR, borderMode=border
        )
        return warped
