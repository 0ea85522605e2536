"""FR-Net itself: an adaptive local threshold, then an erosion (SignDiff, section 3.4); of one image, or of many."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from signdiff_frnet.contract import InvalidImageError, UInt8Image, to_array, to_hwc3
from signdiff_frnet.parameters import DEFAULTS, FRNetParameters, ThresholdMethod, check_count

_METHODS = {"gaussian": cv2.ADAPTIVE_THRESH_GAUSSIAN_C, "mean": cv2.ADAPTIVE_THRESH_MEAN_C}


def frnet(
    image: UInt8Image,
    *,
    threshold_method: ThresholdMethod = DEFAULTS.threshold_method,
    block_size: int = DEFAULTS.block_size,
    offset: float = DEFAULTS.offset,
    kernel_size: int = DEFAULTS.kernel_size,
) -> UInt8Image:
    """Draw the FR map of an image, at the image's own size.

    Args:
        image: (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA, uint8.
        threshold_method: ``"gaussian"`` or ``"mean"``; see :class:`FRNetParameters`, as for the others.
        block_size: side of the threshold's neighbourhood in pixels; odd, 3 to 255.
        offset: how much darker than its neighbourhood a black pixel is, in grey levels; -255 to 255.
        kernel_size: side of the erosion's square in pixels; odd, 1 to 255.

    Returns:
        (H, W) uint8: 0 on the strokes, 255 elsewhere.

    Raises:
        ValueError: a parameter lies outside its range.
        InvalidImageError: the image has another dtype or shape, or no pixels.

    Example:
        >>> image = np.full((9, 9), 200, dtype=np.uint8)
        >>> image[4, 4] = 100
        >>> (frnet(image, kernel_size=3) == 0).sum()
        np.int64(9)
    """
    parameters = FRNetParameters(
        threshold_method=threshold_method, block_size=block_size, offset=offset, kernel_size=kernel_size
    )
    binary = threshold_locally(to_grey(to_array(image)), parameters)
    return erode_binary(binary, kernel_size=kernel_size)


def to_grey(image: UInt8Image) -> UInt8Image:
    """Turn (H, W[, 1]), (H, W, 3) RGB or (H, W, 4) RGBA uint8 grey, by OpenCV's weights: (H, W) uint8, contiguous."""
    grey: UInt8Image = cv2.cvtColor(np.ascontiguousarray(to_hwc3(image)), cv2.COLOR_RGB2GRAY)
    return grey


def threshold_locally(grey: UInt8Image, parameters: FRNetParameters, *, out: UInt8Image | None = None) -> UInt8Image:
    """Blacken the pixels of (H, W) uint8 that are darker than their neighbourhood: 0 or 255, into ``out`` if given."""
    method = _METHODS[parameters.threshold_method]
    binary: UInt8Image = cv2.adaptiveThreshold(
        grey, 255, method, cv2.THRESH_BINARY, int(parameters.block_size), float(parameters.offset), dst=out
    )
    return binary


def erode_binary(binary: UInt8Image, *, kernel_size: int = DEFAULTS.kernel_size) -> UInt8Image:
    """Shrink the white regions of a binary map (H, W), and so widen its black strokes; the border erodes nothing."""
    FRNetParameters(kernel_size=kernel_size)
    eroded: UInt8Image = cv2.erode(binary, _square(kernel_size))
    return eroded


def annotate_batch(
    frames: UInt8Image,
    *,
    threshold_method: ThresholdMethod = DEFAULTS.threshold_method,
    block_size: int = DEFAULTS.block_size,
    offset: float = DEFAULTS.offset,
    kernel_size: int = DEFAULTS.kernel_size,
    threads: int | None = None,
) -> UInt8Image:
    """Draw the FR maps of frames, at their own size; each equals that of :func:`frnet`, bit for bit.

    For frames on a GPU see :func:`signdiff_frnet.torch_ops.annotate_tensor`.

    Args:
        frames: (N, H, W, 3) RGB uint8, of any strides; N may be 0.
        threshold_method: ``"gaussian"`` or ``"mean"``; see :class:`FRNetParameters`, as for the others.
        block_size: side of the threshold's neighbourhood in pixels; odd, 3 to 255.
        offset: how much darker than its neighbourhood a black pixel is, in grey levels; -255 to 255.
        kernel_size: side of the erosion's square in pixels; odd, 1 to 255.
        threads: how many frames are drawn at a time, at least 1; by default one for each core.

    Returns:
        (N, H, W) uint8: 0 on the strokes, 255 elsewhere.

    Raises:
        ValueError: a parameter lies outside its range.
        InvalidImageError: ``frames`` has another type, dtype or shape, or its frames have no pixels.

    Example:
        >>> annotate_batch(np.full((2, 48, 64, 3), 200, dtype=np.uint8)).shape
        (2, 48, 64)
    """
    parameters = FRNetParameters(
        threshold_method=threshold_method, block_size=block_size, offset=offset, kernel_size=kernel_size
    )
    if threads is not None:
        check_count("threads", threads)
    if not isinstance(frames, np.ndarray) or frames.dtype != np.uint8:
        form = f"an array of dtype {frames.dtype}" if isinstance(frames, np.ndarray) else type(frames).__name__
        raise InvalidImageError(f"frames must be a uint8 array, but is {form}.")
    check_shape(frames.shape)

    maps = np.empty(frames.shape[:3], np.uint8)
    workers = min(len(frames), int(threads or os.cpu_count() or 1))
    if workers <= 1:
        _draw(frames, maps, parameters)
    else:
        # Neighbouring frames go to one thread, whose scratch images then stay in its core's cache.
        parts = np.array_split(frames, workers), np.array_split(maps, workers)
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(_draw, *parts, [parameters] * workers))
    return maps


def check_shape(shape: Sequence[int]) -> None:
    """Refuse, with an InvalidImageError, the shape of what is no batch (N, H, W, 3) of RGB frames with pixels."""
    if len(shape) != 4 or shape[3] != 3 or 0 in shape[1:]:
        raise InvalidImageError(
            f"frames must have the shape (N, H, W, 3) with H and W at least 1, but has {tuple(shape)}."
        )


def _draw(frames: UInt8Image, maps: UInt8Image, parameters: FRNetParameters) -> None:
    grey, binary = np.empty_like(maps, shape=maps.shape[1:]), np.empty_like(maps, shape=maps.shape[1:])
    square = _square(parameters.kernel_size)
    for frame, fr_map in zip(frames, maps, strict=True):
        cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY, dst=grey)
        threshold_locally(grey, parameters, out=binary)
        cv2.erode(binary, square, dst=fr_map)


def _square(side: int) -> UInt8Image:
    return np.ones((int(side), int(side)), np.uint8)
