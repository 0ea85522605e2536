"""Images and videos of training data, as square RGB frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from signdiff_frnet.contract import UInt8Image

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
VIDEOS = (".mp4", ".mkv", ".avi", ".mov", ".webm")


def read_rgb(path: Path) -> UInt8Image:
    """Read an image as (H, W, 3) uint8 RGB.

    Args:
        path: a file that OpenCV reads.

    Raises:
        ValueError: it is missing or no image.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path} must be an image, but can't be read as one.")
    return np.ascontiguousarray(image[..., ::-1], dtype=np.uint8)


def read_every(path: Path, step: int) -> Iterator[UInt8Image]:
    """Read every so many frames of a video, each as (H, W, 3) uint8 RGB.

    Args:
        path: a file that OpenCV reads.
        step: 1 for all frames.

    Raises:
        ValueError: it is missing or no video.
    """
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise ValueError(f"{path} must be a video, but can't be read as one.")
        number = 0
        while capture.grab():
            if number % step == 0:
                came, frame = capture.retrieve()
                if not came:
                    return
                yield np.ascontiguousarray(frame[..., ::-1], dtype=np.uint8)
            number += 1
    finally:
        capture.release()


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
