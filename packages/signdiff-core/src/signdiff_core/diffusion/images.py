"""Images as diffusers' users hold them, as arrays of bytes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    import torch

Frame: TypeAlias = "Image.Image | NDArray[Any] | torch.Tensor"
"""A picture: (H, W, 3) as an image or an array, (3, H, W) as a tensor."""

_DEEP: Final = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
"""Pillow's modes of more than 8 bits a channel."""

_ROUNDING: Final = 1 / 512
"""How far floats may lie outside [0, 1], by rounding or resizing: half a step of bytes."""


def is_picture(image: Any) -> bool:
    """Tell one picture from many: (H, W) or (H, W, 3), or as a tensor (3, H, W)."""
    return isinstance(image, Image.Image) or getattr(image, "ndim", None) in (2, 3)


def frames_of(images: Any, name: str = "images") -> Iterator[Frame]:
    """Go through one picture or many. Bytes become PIL images: diffusers would not divide them by 255.

    Raises ValueError, by the caller's `name`, where they are neither, or one is no picture: of another shape, or of
    numbers that are no colours.
    """
    if isinstance(images, str | bytes | os.PathLike) or not (is_picture(images) or isinstance(images, Iterable)):
        kind = type(images).__name__
        raise ValueError(f"{name} must be PIL images, arrays or tensors, one or an iterable of them, but is a {kind}.")
    return map(_as_diffusers_takes_it, [images] if is_picture(images) else images)


def _as_diffusers_takes_it(frame: Any) -> Frame:
    if isinstance(frame, Image.Image):
        if frame.mode in _DEEP:  # of which Pillow would make white, but for the darkest
            raise ValueError(f"images must have 8 bits a channel, but one is of PIL's mode {frame.mode}.")
        return frame
    if not hasattr(frame, "ndim") or not hasattr(frame, "dtype"):
        raise ValueError(f"images must be PIL images, arrays or tensors, but one is a {type(frame).__name__}.")
    if frame.ndim == 4 and len(frame) == 1:
        frame = frame[0]
    if isinstance(frame, np.ma.MaskedArray):
        if np.ma.getmaskarray(frame).any():
            raise ValueError("images must be whole, but one is an array with masked pixels.")
        frame = np.ma.getdata(frame)
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
        _check_range(frame.amin(), frame.amax())
        return cast("Frame", frame)
    if array.dtype.kind != "f" and array.dtype != np.uint8:
        raise ValueError(f"images must be bytes (uint8) or floats in [0, 1], but one is of {array.dtype}.")
    if array.dtype == np.uint8:
        return Image.fromarray(np.ascontiguousarray(array))
    _check_range(array.min(), array.max())
    return array


def _check_range(least: Any, most: Any) -> None:
    if not (least >= -_ROUNDING and most <= 1 + _ROUNDING):  # nor if one is NaN
        raise ValueError(
            f"images of floats must lie in [0, 1], but one reaches from {float(least):g} to {float(most):g}; bytes are "
            "uint8."
        )


def check_alike(name: str, images: list[Any]) -> None:
    """Raise ValueError unless pictures are of one kind, and of one size where diffusers does not resize them."""
    kinds = sorted({"PIL images" if isinstance(image, Image.Image) else _kind(image) for image in images})
    if len(kinds) > 1:
        raise ValueError(f"{name} must hold pictures of one kind, but has {' and '.join(kinds)}.")
    shapes = [] if kinds == ["PIL images"] else sorted({tuple(image.shape) for image in images})
    if len(shapes) > 1:
        raise ValueError(f"{name} must hold pictures of one size, but has {shapes[0]} and {shapes[1]}.")


def _kind(image: Any) -> str:
    return "arrays of floats" if isinstance(image, np.ndarray) else "tensors"


def as_array(image: Frame) -> NDArray[np.uint8]:
    """Bring a PIL image, an array (H, W, 3) or (H, W), or a tensor (3, H, W) to (H, W, 3) uint8 RGB.

    It holds bytes, or floats in [0, 1]. Raises ValueError where it has another shape, or numbers that are no colours.
    """
    if type(image) is np.ndarray and image.dtype == np.uint8 and image.shape[2:] == (3,):
        return image
    image = _as_diffusers_takes_it(image)
    if isinstance(image, Image.Image):
        return np.asarray(image.convert("RGB"))
    array = image if isinstance(image, np.ndarray) else image.detach().float().cpu().permute(1, 2, 0).numpy()
    made: NDArray[np.uint8] = np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8)
    return made


def resized_map(fr_map: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Bring an FR map to a height and width and to three equal channels, all values still 0 or 255."""
    if fr_map.shape[:2] != tuple(shape):
        fr_map = np.asarray(cv2.resize(fr_map, shape[1::-1], interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    return fr_map if fr_map.ndim == 3 else np.repeat(fr_map[..., None], 3, axis=2)


def cut_to(image: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Cut the middle out of an image (H, W, 3), with the ratio of another height and width."""
    height, width = image.shape[:2]
    across = min(width, round(height * shape[1] / shape[0]))
    down = min(height, round(width * shape[0] / shape[1]))
    top, left = (height - down) // 2, (width - across) // 2
    return image[top : top + down, left : left + across]
