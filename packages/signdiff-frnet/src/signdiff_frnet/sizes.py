"""Sizes as controlnet-aux chooses them: the short side near a resolution, both sides multiples of 64."""

from numbers import Real

import cv2
import numpy as np

from signdiff_frnet.contract import UInt8Image

LARGEST = 1 << 28
"""Most pixels that a resized image may have (16384 x 16384): a thin strip would otherwise grow without bound."""


def target_size(height: int, width: int, resolution: float, *, name: str = "resolution") -> tuple[int, int]:
    """Find the size that ``controlnet_aux.util.resize_image`` gives an image.

    Args:
        height: in pixels, at least 1.
        width: in pixels, at least 1.
        resolution: wished length of the short side, in pixels; more than 32, because less rounds to nothing.
        name: what error messages call ``resolution``.

    Returns:
        Height and width in pixels, each the multiple of 64 nearest to the scaled side (halves go to the even one).

    Raises:
        ValueError: ``resolution`` is no number above 32, or the image would have more than 2**28 pixels.

    Example:
        >>> target_size(720, 1280, 512)
        (512, 896)
    """
    _check_resolution(name, resolution)
    scale = float(resolution) / min(height, width)
    new_height, new_width = (int(np.round(side * scale / 64.0)) * 64 for side in (height, width))
    if new_height * new_width > LARGEST:
        raise ValueError(
            f"{name}={resolution} would resize the {height}x{width} image to {new_height}x{new_width}; "
            f"the most allowed is {LARGEST} pixels."
        )
    return new_height, new_width


def _check_resolution(name: str, resolution: object) -> None:
    if not isinstance(resolution, Real) or resolution <= 32 or not resolution <= LARGEST:
        raise ValueError(f"{name} must be a number of pixels above 32 and up to {LARGEST}, but is {resolution!r}.")


def resize_frame(image: UInt8Image, resolution: float, *, name: str = "resolution") -> UInt8Image:
    """Resize an image as ``controlnet_aux.util.resize_image`` does, with the same filters.

    Args:
        image: (H, W, 3) uint8.
        resolution: wished length of the short side, in pixels; more than 32.
        name: what error messages call ``resolution``.

    Returns:
        (H', W', 3) uint8.

    Raises:
        ValueError: as :func:`target_size`.
    """
    height, width = image.shape[:2]
    size = target_size(height, width, resolution, name=name)
    enlarging = float(resolution) > min(height, width)
    return _resize(image, size, cv2.INTER_LANCZOS4 if enlarging else cv2.INTER_AREA)


def resize_map(binary: UInt8Image, size: tuple[int, int]) -> UInt8Image:
    """Resize a binary map with the nearest neighbour, so that it stays binary.

    Args:
        binary: (H, W) uint8, every value 0 or 255.
        size: wished height and width, in pixels.

    Returns:
        (height, width) uint8, every value 0 or 255.
    """
    return binary if binary.shape == size else _resize(binary, size, cv2.INTER_NEAREST)


def _resize(image: UInt8Image, size: tuple[int, int], interpolation: int) -> UInt8Image:
    resized: UInt8Image = cv2.resize(np.ascontiguousarray(image), (size[1], size[0]), interpolation=interpolation)
    return resized
