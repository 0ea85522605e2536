"""What a controlnet-aux detector takes: an image of any usual form, turned into (H, W, 3) uint8."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

UInt8Image = NDArray[np.uint8]

_READ_AS = {"1": "L", "P": "RGBA", "CMYK": "RGB", "YCbCr": "RGB", "HSV": "RGB", "LAB": "RGB", "RGBa": "RGBA"}
_AS_THEY_ARE = ("L", "RGB", "RGBA", "RGBX")


class InvalidImageError(ValueError, AssertionError):
    """An image that a detector can't take.

    It is an ``AssertionError`` too, because that is what controlnet-aux's own detectors raise here.
    """


def to_array(image: Any) -> UInt8Image:
    """Read the pixels of an image.

    Args:
        image: a PIL image; a uint8 array; or anything else that numpy reads as whole numbers from 0 to 255.
            Palette, 1-bit and CMYK images are read by their colours, not by their indices.

    Returns:
        (H, W) or (H, W, C) uint8, 0 to 255.

    Raises:
        InvalidImageError: an array of another dtype, an image with more than 8 bits a channel, or no array at all.

    Example:
        >>> to_array(Image.new("1", (2, 1), 1))
        array([[255, 255]], dtype=uint8)
    """
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8:
            raise InvalidImageError(f"input_image must be a uint8 array, but its dtype is {image.dtype}.")
        return image
    if isinstance(image, Image.Image):
        if image.mode in _READ_AS:
            image = image.convert(_READ_AS[image.mode])
        elif image.mode not in _AS_THEY_ARE:
            raise InvalidImageError(
                f"input_image must be a PIL image with 8 bits in 1, 3 or 4 channels, but its mode is {image.mode!r}; "
                'convert it first, for example with image.convert("RGB").'
            )
        return np.array(image.convert("RGB") if image.mode == "RGBX" else image, dtype=np.uint8)
    try:
        array = np.asarray(image)
    except ValueError as error:  # rows of different lengths
        raise InvalidImageError(f"input_image must be a PIL image or an array, but can't be read: {error}") from error
    if array.dtype.kind not in "iu" or (array.size and (array.min() < 0 or array.max() > 255)):
        raise InvalidImageError(
            f"input_image must be a PIL image or hold whole numbers from 0 to 255, but is {type(image).__name__} "
            f"with dtype {array.dtype}."
        )
    whole: UInt8Image = array.astype(np.uint8)
    return whole


def to_hwc3(array: UInt8Image) -> UInt8Image:
    """Give an image three channels, as ``controlnet_aux.util.HWC3`` does.

    Args:
        array: (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) uint8; a fourth channel is opacity, laid over white.

    Returns:
        (H, W, 3) uint8.

    Raises:
        InvalidImageError: another shape, or no pixels.

    Example:
        >>> to_hwc3(np.array([[[200, 100, 0, 0]]], dtype=np.uint8))
        array([[[255, 255, 255]]], dtype=uint8)
    """
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or array.size == 0:
        raise InvalidImageError(
            f"input_image must have the shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) with H and W at least 1, "
            f"but has {array.shape}."
        )
    if array.shape[2] == 4:
        alpha = array[:, :, 3:].astype(np.float32) / 255.0
        over_white = array[:, :, :3].astype(np.float32) * alpha + 255.0 * (1.0 - alpha)
        flat: UInt8Image = over_white.clip(0, 255).astype(np.uint8)
        return flat
    return np.repeat(array, 3, axis=2) if array.shape[2] == 1 else array
