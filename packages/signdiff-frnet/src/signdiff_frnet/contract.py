"""What controlnet-aux does with an image: any usual form becomes (H, W, 3) uint8, at a size with multiples of 64."""

import warnings
from collections.abc import Mapping
from numbers import Real
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

UInt8Image = NDArray[np.uint8]

LARGEST = 1 << 28
"""Most pixels that a resized image may have (16384 x 16384): a thin strip would otherwise grow without bound."""

_READ_AS = {
    **dict.fromkeys(("P", "PA", "LA", "RGBa"), "RGBA"),
    **dict.fromkeys(("CMYK", "YCbCr", "HSV", "LAB"), "RGB"),
    "1": "L",
}
_BITS_PER_SAMPLE = 258
"""Number of TIFF's tag."""

_AS_THEY_ARE = ("L", "RGB", "RGBA", "RGBX")


class InvalidImageError(ValueError, AssertionError):
    """An image that a detector can't take.

    It is an ``AssertionError`` too, because that is what controlnet-aux's own detectors raise here.
    """


def to_array(image: Any) -> UInt8Image:
    """Read the pixels of an image, or of anything that numpy reads as whole numbers from 0 to 255: (H, W[, C]) uint8.

    Palette, 1-bit and CMYK images are read by their colours, not by their indices. An InvalidImageError if it is none,
    or has more than 8 bits a channel: only its owner knows which part of that range the content fills.

    Example:
        >>> to_array(Image.new("1", (2, 1), 1))
        array([[255, 255]], dtype=uint8)
    """
    if np.ma.is_masked(image):
        raise InvalidImageError("input_image must have all its pixels, but some are masked: fill them first.")
    if isinstance(image, np.ndarray):
        pixels: UInt8Image = np.asarray(image)  # of a masked array without masked pixels, its data
        if pixels.dtype != np.uint8:
            raise InvalidImageError(f"input_image must be a uint8 array, but its dtype is {pixels.dtype}.")
        return pixels
    if isinstance(image, Image.Image):
        if (bits := bits_of(image)) > 8:
            raise InvalidImageError(
                f"input_image must be a PIL image with 8 bits a channel, but has {bits} (mode {image.mode!r}); "
                "scale it first, by the range that its content fills."
            )
        if image.mode in _READ_AS:
            image = image.convert(_READ_AS[image.mode])
        elif image.mode not in _AS_THEY_ARE:
            raise InvalidImageError(
                f"input_image must be a PIL image with 1, 3 or 4 channels, but its mode is {image.mode!r}; "
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


def wants_array(output_type: Any, input_image: Any, kwargs: Mapping[str, Any]) -> bool:
    """Decide whether a detector's result is an array, or else a PIL image: ``"np"``, ``"pil"``, None for what came in.

    ``return_pil``, the name before ``output_type``, wins over it, as in controlnet-aux. A ValueError for something
    else.
    """
    if "return_pil" in kwargs:
        warnings.warn("return_pil is deprecated, please use output_type=... instead.", DeprecationWarning, stacklevel=3)
        output_type = "pil" if kwargs["return_pil"] else "np"
    if not (output_type is None or (isinstance(output_type, str) and output_type in ("pil", "np"))):
        raise ValueError(f"output_type must be 'pil', 'np' or None, but is {output_type!r}.")
    return output_type == "np" or (output_type is None and isinstance(input_image, np.ndarray))


def bits_of(image: Image.Image) -> int:
    """Tell how many bits a channel of a picture has; 8 for fewer.

    Pillow cuts 16-bit colours to 8 bits as it loads them: of a PNG file they are known before that, of a TIFF file
    always.

    Example:
        >>> bits_of(Image.new("L", (1, 1))), bits_of(Image.new("I;16", (1, 1))), bits_of(Image.new("F", (1, 1)))
        (8, 16, 32)
    """
    if image.mode.startswith("I;16"):
        return 16
    if image.mode in ("I", "F"):
        return 32
    if image.format == "PNG":
        return 16 if any(str(tile[3]).endswith(";16B") for tile in getattr(image, "tile", ())) else 8
    samples: tuple[int, ...] = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, ())
    return max((8, *samples))


def to_hwc3(array: UInt8Image) -> UInt8Image:
    """Give (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) uint8 three channels, as ``controlnet_aux.util.HWC3`` does.

    A fourth channel is opacity, laid over white. An InvalidImageError for another shape, or no pixels.

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


def target_size(height: int, width: int, resolution: float, *, name: str = "resolution") -> tuple[int, int]:
    """Find the (height, width) in pixels that ``controlnet_aux.util.resize_image`` gives an image.

    Each is the multiple of 64 nearest to the scaled side (halves go to the even one). A ValueError, with the name, if
    the resolution, of the short side, is no number above 32 (less rounds to nothing), or there would be over 2**28
    pixels.

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
    """Resize (H, W, 3) uint8 as ``controlnet_aux.util.resize_image`` does, with its filters; see `target_size`."""
    height, width = image.shape[:2]
    size = target_size(height, width, resolution, name=name)
    enlarging = float(resolution) > min(height, width)
    return _resize(image, size, cv2.INTER_LANCZOS4 if enlarging else cv2.INTER_AREA)


def resize_map(binary: UInt8Image, size: tuple[int, int]) -> UInt8Image:
    """Resize a binary map (H, W) to a height and width with the nearest neighbour, so that it stays binary."""
    return binary if binary.shape == size else _resize(binary, size, cv2.INTER_NEAREST)


def _resize(image: UInt8Image, size: tuple[int, int], interpolation: int) -> UInt8Image:
    resized: UInt8Image = cv2.resize(np.ascontiguousarray(image), (size[1], size[0]), interpolation=interpolation)
    return resized
