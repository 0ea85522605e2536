"""Images and videos compared: structural similarity, and temporal consistency."""

import operator
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import zip_longest
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from signdiff_eval import _checks

Frame = NDArray[np.uint8]

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels; right and bottom are the first column and row outside."""

SIGMA: Final = 1.5
"""Standard deviation of the Gaussian window in pixels (Wang et al. 2004)."""

WINDOW: Final = 11
"""Side of the Gaussian window in pixels: the smallest image or box that has a score."""

DATA_RANGE: Final = 255
"""Distance between the darkest and the lightest value."""


def ssim(hypothesis: ArrayLike, reference: ArrayLike, *, box: Box | None = None) -> float:
    """Compute the mean structural similarity as Wang et al. (2004) define it.

    It equals `skimage.metrics.structural_similarity` with an 11x11 Gaussian window of sigma 1.5, population covariance,
    a data range of 255, and the mean over channels.

    Args:
        hypothesis: (H, W) or (H, W, 3) uint8.
        reference: the same shape, uint8.
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
    from signdiff_eval.functional.loops import mean_similarity

    hypothesis, reference = _checks.image("hypothesis", hypothesis), _checks.image("reference", reference)
    _checks.same_image_shape(hypothesis, reference)
    if box is not None:
        left, top, right, bottom = _sides(box)
        rows, columns = slice(max(top, 0), max(bottom, 0)), slice(max(left, 0), max(right, 0))
        hypothesis, reference = hypothesis[rows, columns], reference[rows, columns]
    if min(reference.shape[:2]) < WINDOW:
        height, width = reference.shape[:2]
        raise ValueError(
            f"{'reference' if box is None else 'box'} must be at least {WINDOW} pixels a side within the frame, "
            f"but is {width}x{height}."
        )
    pixels = (np.ascontiguousarray(image.reshape(*image.shape[:2], -1)) for image in (hypothesis, reference))
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


def flicker(hypothesis: Iterable[Frame], reference: Iterable[Frame]) -> float:
    """Average the absolute difference of the two videos' changes from frame to frame.

    The mean over frames, pixels and channels of ``|(F[t+1] - F[t]) - (R[t+1] - R[t])|``. Videos are taken in frame by
    frame.

    Args:
        hypothesis: at least two frames F, each (H, W) or (H, W, 3) uint8.
        reference: as many frames R of the same shape.

    Returns:
        From 0 to 510 grey levels; 0 where all changes are the reference's.

    Raises:
        ValueError: the numbers or shapes of frames differ, there are fewer than two, or another dtype.

    Example:
        >>> reference = np.zeros((4, 8, 8), dtype=np.uint8)
        >>> hypothesis = reference.copy()
        >>> hypothesis[1::2] = 10
        >>> flicker(reference, reference), flicker(hypothesis, reference)
        (0.0, 10.0)
    """
    total, changes = 0.0, 0
    before: tuple[Frame, Frame] | None = None
    for pair in paired(hypothesis, reference):
        if before is not None:
            total += flicker_step(*before, *pair)
            changes += 1
        before = pair
    if not changes:
        raise ValueError("hypothesis and reference must have at least two frames, but have fewer.")
    return total / changes


def flicker_step(hypothesis: Frame, reference: Frame, next_hypothesis: Frame, next_reference: Frame) -> float:
    """Compute one frame's part: the mean absolute difference of both changes, from checked frames."""
    if next_reference.shape != reference.shape:
        raise ValueError(f"frames must keep their shape, but change from {reference.shape} to {next_reference.shape}.")
    change = next_hypothesis.astype(np.int16) - hypothesis - (next_reference.astype(np.int16) - reference)
    return float(np.abs(change).mean(dtype=np.float64))


def paired(
    hypothesis: Iterable[NDArray[np.uint8]], reference: Iterable[NDArray[np.uint8]]
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Take frames, (H, W) or (H, W, 3) uint8, from two videos in step, hypothesis first, and hold one of each.

    A ValueError if one video is shorter, both are empty, or frames have different shapes or aren't such images.
    """
    end: Any = object()
    index = -1
    for index, (made, true) in enumerate(zip_longest(hypothesis, reference, fillvalue=end)):
        if made is end or true is end:
            longer, shorter = ("reference", "hypothesis") if made is end else ("hypothesis", "reference")
            raise ValueError(f"{shorter} must have as many frames as the {longer}, but ends after {index}.")
        pair = _checks.image("hypothesis", made), _checks.image("reference", true)
        _checks.same_image_shape(*pair)
        yield pair
    if index < 0:
        raise ValueError("hypothesis and reference must have at least one frame, but have none.")


def beside(frames: Iterable[Sequence[Any]], name: str, entries: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """Put what belongs to a frame behind it, at the end of its tuple; fewer entries or more are a ValueError."""
    end: Any = object()
    rest = iter(entries)
    count = 0
    for count, frame in enumerate(frames, start=1):
        entry = next(rest, end)
        if entry is end:
            raise ValueError(f"{name} must have an entry for each frame, but ends after {count - 1}.")
        yield *frame, entry
    if next(rest, end) is not end:
        raise ValueError(f"{name} must have an entry for each frame, but goes on after the last, number {count}.")
