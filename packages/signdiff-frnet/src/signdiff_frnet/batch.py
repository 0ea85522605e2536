"""FR maps of many frames of one size, without a copy that could be spared."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np

from signdiff_frnet.checks import check_count
from signdiff_frnet.contract import InvalidImageError, UInt8Image
from signdiff_frnet.ops import threshold_locally
from signdiff_frnet.parameters import DEFAULTS, FRNetParameters, ThresholdMethod


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
    workers = os.cpu_count() or 1
    if threads is not None:
        check_count("threads", threads)
        workers = int(threads)
    if not isinstance(frames, np.ndarray) or frames.dtype != np.uint8:
        raise InvalidImageError(f"frames must be a uint8 array, but is {_form(frames)}.")
    check_shape(frames.shape)

    maps = np.empty(frames.shape[:3], np.uint8)
    workers = min(len(frames), workers)
    if workers <= 1:
        _draw(frames, maps, parameters)
    else:
        # Neighbouring frames go to one thread, whose scratch images then stay in its core's cache.
        parts = np.array_split(frames, workers), np.array_split(maps, workers)
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(_draw, *parts, [parameters] * workers))
    return maps


def check_shape(shape: Sequence[int]) -> None:
    """Refuse what is no batch of RGB frames.

    Args:
        shape: that of ``frames``.

    Raises:
        InvalidImageError: it is not (N, H, W, 3), or a frame has no pixels.
    """
    if len(shape) != 4 or shape[3] != 3 or 0 in shape[1:]:
        raise InvalidImageError(
            f"frames must have the shape (N, H, W, 3) with H and W at least 1, but has {tuple(shape)}."
        )


def _draw(frames: UInt8Image, maps: UInt8Image, parameters: FRNetParameters) -> None:
    grey, binary = np.empty_like(maps, shape=maps.shape[1:]), np.empty_like(maps, shape=maps.shape[1:])
    square = np.ones((parameters.kernel_size, parameters.kernel_size), np.uint8)
    for frame, fr_map in zip(frames, maps, strict=True):
        cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY, dst=grey)
        threshold_locally(grey, parameters, out=binary)
        cv2.erode(binary, square, dst=fr_map)


def _form(frames: Any) -> str:
    return f"an array of dtype {frames.dtype}" if isinstance(frames, np.ndarray) else type(frames).__name__
