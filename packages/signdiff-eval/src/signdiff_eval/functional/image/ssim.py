"""Structural similarity of two images, whole or within a box."""

from __future__ import annotations

import operator
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from signdiff_eval import _checks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels; right and bottom are the first column and row outside."""

SIGMA: Final = 1.5
"""Standard deviation of the Gaussian window in pixels (Wang et al. 2004)."""

WINDOW: Final = 11
"""Side of the Gaussian window in pixels: the smallest image or box that has a score."""

DATA_RANGE: Final = 255
"""Distance between the darkest and the lightest value."""


def ssim(reference: ArrayLike, hypothesis: ArrayLike, *, box: Box | None = None) -> float:
    """Compute the mean structural similarity as Wang et al. (2004) define it.

    It equals `skimage.metrics.structural_similarity` with an 11x11 Gaussian window of sigma 1.5, population covariance,
    a data range of 255, and the mean over channels.

    Args:
        reference: (H, W) or (H, W, 3) uint8.
        hypothesis: the same shape, uint8.
        box: compare this part of the frames only, cut to the frame where it reaches outside.

    Returns:
        The similarity, at most 1; 1 for equal images.

    Raises:
        ValueError: another dtype or shape, a box of other than integers, or less than 11 pixels a side (of the frame,
            or of the box within it).

    Example:
        >>> import numpy as np
        >>> image = np.arange(32 * 32, dtype=np.uint8).reshape(32, 32)
        >>> ssim(image, image)
        1.0
        >>> ssim(image, 255 - image) < 0
        True
        >>> ssim(image, image, box=(8, 8, 24, 24))
        1.0
    """
    from signdiff_eval.functional.image.windows import mean_similarity

    reference, hypothesis = _checks.image("reference", reference), _checks.image("hypothesis", hypothesis)
    _checks.same_image_shape(reference, hypothesis)
    if box is not None:
        left, top, right, bottom = _sides(box)
        rows, columns = slice(max(top, 0), max(bottom, 0)), slice(max(left, 0), max(right, 0))
        reference, hypothesis = reference[rows, columns], hypothesis[rows, columns]
    if min(reference.shape[:2]) < WINDOW:
        height, width = reference.shape[:2]
        raise ValueError(
            f"{'reference' if box is None else 'box'} must be at least {WINDOW} pixels a side within the frame, "
            f"but is {width}x{height}."
        )
    pixels = (np.ascontiguousarray(image.reshape(*image.shape[:2], -1)) for image in (reference, hypothesis))
    return float(mean_similarity(*pixels, _window(), (0.01 * DATA_RANGE) ** 2, (0.03 * DATA_RANGE) ** 2))


def _sides(box: Box) -> Box:
    try:
        left, top, right, bottom = map(operator.index, box)
    except (TypeError, ValueError) as error:
        raise ValueError(f"box must be four integers, left, top, right and bottom, but is {box!r:.200}.") from error
    return left, top, right, bottom


@cache
def _window() -> NDArray[np.float64]:
    offsets = np.arange(WINDOW) - WINDOW // 2
    weights: NDArray[np.float64] = np.exp(-0.5 * (offsets / SIGMA) ** 2)
    weights /= weights.sum()
    return weights
