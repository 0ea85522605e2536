"""Images and videos of training data, as square RGB frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from signdiff_frnet.contract import to_hwc3
from signdiff_frnet.pictures import read_image
from signdiff_frnet.videos import read_video

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from signdiff_frnet.contract import UInt8Image

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
VIDEOS = (".mp4", ".mkv", ".avi", ".mov", ".webm")


def read_rgb(path: Path) -> UInt8Image:
    """Read an image as (H, W, 3) uint8 RGB, by the rules of the command.

    Args:
        path: a picture of 8 bits a channel; opacity is laid over white.

    Raises:
        MediaError: it is no image, or not one of those.
        OSError: it is missing.
    """
    return to_hwc3(read_image(path))


def read_every(path: Path, step: int) -> Iterator[UInt8Image]:
    """Read every so many frames of a video, each as (H, W, 3) uint8 RGB.

    Args:
        path: a video that OpenCV decodes.
        step: 1 for all frames.

    Raises:
        MediaError: it is no video, is cut short, or has a codec that OpenCV does not decode.
        OSError: it is missing.
    """
    yield from (frame for number, frame in enumerate(read_video(path)) if number % step == 0)


def square(image: UInt8Image) -> UInt8Image:
    """Cut the middle square out of an image (H, W, 3)."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]


def resize(image: UInt8Image, resolution: int, *, smooth: bool = True) -> UInt8Image:
    """Bring a square image (S, S, 3) to (resolution, resolution, 3).

    Args:
        image: uint8.
        resolution: side in pixels.
        smooth: enlarge with cubic interpolation, not linear; drawings have no values beyond their own.
    """
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
