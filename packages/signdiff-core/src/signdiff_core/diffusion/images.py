"""Images as diffusers' users hold them, as arrays of bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np
from PIL import Image, ImageOps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

    Frame = Image.Image | NDArray[Any] | torch.Tensor


def is_picture(image: Any) -> bool:
    """Tell one picture from many: (H, W) or (H, W, 3), or as a tensor (3, H, W)."""
    return isinstance(image, Image.Image) or getattr(image, "ndim", None) in (2, 3)


def frames_of(images: Any) -> Iterator[Frame]:
    """Go through one image or many. Bytes become PIL images: diffusers would not divide them by 255.

    Raises:
        ValueError: one is no picture: of another shape, or of whole numbers that are no bytes.
    """
    for frame in [images] if is_picture(images) else images:
        yield _as_diffusers_takes_it(frame)


def _as_diffusers_takes_it(frame: Any) -> Frame:
    if isinstance(frame, Image.Image):
        return frame
    if not hasattr(frame, "ndim") or not hasattr(frame, "dtype"):
        raise ValueError(f"images must be PIL images, arrays or tensors, but one is a {type(frame).__name__}.")
    if frame.ndim == 4 and len(frame) == 1:
        frame = frame[0]
    if isinstance(frame, np.ndarray):
        array = np.where(frame, np.uint8(255), np.uint8(0)) if frame.dtype == bool else frame
        array = array[..., None] if array.ndim == 2 else array
        array = np.repeat(array, 3, axis=2) if array.ndim == 3 and array.shape[2] == 1 else array
        channels = (3, 4) if array.dtype == np.uint8 else (3,)
    elif frame.ndim == 3 and not frame.dtype.is_floating_point:
        return _as_diffusers_takes_it(frame.permute(1, 2, 0).cpu().numpy())
    else:
        array, channels = frame, (3,)
    axis = 2 if isinstance(frame, np.ndarray) else 0
    if array.ndim != 3 or array.shape[axis] not in channels or not all(array.shape):
        raise ValueError(
            "images must have the shape (H, W, 3) or (H, W), or (3, H, W) for tensors, but one has "
            f"{tuple(frame.shape)}."
        )
    if not isinstance(frame, np.ndarray):
        return cast("Frame", frame)
    if array.dtype.kind != "f" and array.dtype != np.uint8:
        raise ValueError(f"images must be bytes (uint8) or floats in [0, 1], but one is of {array.dtype}.")
    return Image.fromarray(np.ascontiguousarray(array)) if array.dtype == np.uint8 else array


def as_array(image: Frame) -> NDArray[np.uint8]:
    """Bring an image to (H, W, 3) uint8 RGB.

    Args:
        image: a PIL image, an array (H, W, 3) or (H, W), or a tensor (3, H, W): bytes, or floats in [0, 1].

    Raises:
        ValueError: it has another shape, or holds whole numbers that are no bytes.
    """
    if isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.shape[2:] == (3,):
        return image
    image = _as_diffusers_takes_it(image)
    if isinstance(image, Image.Image):
        return np.asarray(image.convert("RGB"))
    array = image if isinstance(image, np.ndarray) else image.detach().float().cpu().permute(1, 2, 0).numpy()
    made: NDArray[np.uint8] = np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8)
    return made


def resized_map(fr_map: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Bring a FR map to a size and to three equal channels; no value between 0 and 255 comes up.

    Args:
        fr_map: (H, W) or (H, W, 3).
        shape: height and width.
    """
    if fr_map.shape[:2] != tuple(shape):
        fr_map = np.asarray(cv2.resize(fr_map, shape[1::-1], interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    return fr_map if fr_map.ndim == 3 else np.repeat(fr_map[..., None], 3, axis=2)


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Read a picture from a file.

    Args:
        path: of any format that Pillow reads.

    Returns:
        (H, W, 3) RGB.

    Raises:
        OSError: there is no such file, or it holds no picture.
        PIL.Image.DecompressionBombError: it has more pixels than Pillow trusts.
    """
    with Image.open(path) as picture:
        return as_array(ImageOps.exif_transpose(picture))


def cut_to(image: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Cut the middle out of an image, with the ratio of the sides of another size.

    Args:
        image: (H, W, 3).
        shape: height and width whose ratio counts.
    """
    height, width = image.shape[:2]
    across = min(width, round(height * shape[1] / shape[0]))
    down = min(height, round(width * shape[0] / shape[1]))
    top, left = (height - down) // 2, (width - across) // 2
    return image[top : top + down, left : left + across]
