"""Images as diffusers' users hold them, as arrays of bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image, ImageOps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

    Frame = Image.Image | NDArray[Any] | torch.Tensor


def frames_of(images: Any) -> Iterator[Frame]:
    """Go through one image or many. uint8 arrays become PIL images: diffusers would not divide them by 255."""
    single = isinstance(images, Image.Image) or getattr(images, "ndim", None) == 3
    for frame in [images] if single else images:
        yield Image.fromarray(frame) if isinstance(frame, np.ndarray) and frame.dtype == np.uint8 else frame


def as_array(image: Frame) -> NDArray[np.uint8]:
    """Bring an image to (H, W, 3) uint8 RGB.

    Args:
        image: a PIL image, a uint8 array (H, W, 3), a float array in [0, 1], or a tensor (3, H, W) in [0, 1].

    Raises:
        ValueError: it has another shape.
    """
    if isinstance(image, Image.Image):
        return np.asarray(image.convert("RGB"))
    array = image if isinstance(image, np.ndarray) else image.detach().float().cpu().permute(1, 2, 0).numpy()
    if array.ndim != 3 or array.shape[2] != 3:
        raise ValueError(f"images must have the shape (H, W, 3), or (3, H, W) for tensors, but one has {image.shape}.")
    if array.dtype != np.uint8:
        array = np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8)
    return array


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
