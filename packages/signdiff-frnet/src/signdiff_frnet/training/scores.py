"""How near a predicted FR map is to the true one: overlap of the strokes, and of their outlines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from signdiff_frnet.contract import UInt8Image


def stroke_iou(made: UInt8Image, truth: UInt8Image) -> float:
    """Intersection of the strokes over their union.

    Args:
        made: (H, W) uint8, 0 on the strokes and 255 elsewhere.
        truth: likewise.

    Returns:
        From 0 to 1; 1 if neither map has a stroke.

    Example:
        >>> stroke_iou(np.array([[0, 0, 255]], np.uint8), np.array([[255, 0, 0]], np.uint8))
        0.3333333333333333
    """
    union = np.count_nonzero((made == 0) | (truth == 0))
    return float(np.count_nonzero((made == 0) & (truth == 0)) / union) if union else 1.0


def boundary_f(made: UInt8Image, truth: UInt8Image, *, tolerance: int = 2) -> float:
    """F-score of the strokes' outlines (Csurka et al. 2013, "What is a good evaluation measure for segmentation?").

    Precision is the share of the made outline that lies near the true one; recall the other way round.

    Args:
        made: (H, W) uint8, 0 on the strokes and 255 elsewhere.
        truth: likewise.
        tolerance: how near is near, in pixels (along axes and diagonals).

    Returns:
        From 0 to 1; 1 if neither map has a stroke, 0 if only one has.

    Example:
        >>> truth = np.full((9, 9), 255, np.uint8)
        >>> truth[4:6, 4:6] = 0
        >>> boundary_f(np.roll(truth, 1, axis=1), truth)
        1.0
        >>> boundary_f(np.roll(truth, 3, axis=1), truth, tolerance=1)
        0.0
    """
    one, two = _outline(made), _outline(truth)
    if not one.any() or not two.any():
        return float(one.any() == two.any())
    precision = (_near(two, tolerance) & one).sum() / one.sum()
    recall = (_near(one, tolerance) & two).sum() / two.sum()
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def _outline(fr_map: UInt8Image) -> NDArray[np.bool_]:
    """Find the pixels of strokes that touch another pixel than a stroke's."""
    strokes = (fr_map == 0).astype(np.uint8)
    # What lies beyond the border continues it: a stroke that leaves the map has no outline there.
    inner = cv2.erode(strokes, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE)
    outline: NDArray[np.bool_] = (strokes == 1) & (inner == 0)
    return outline


def _near(outline: NDArray[np.bool_], tolerance: int) -> NDArray[np.bool_]:
    side = 2 * tolerance + 1
    wide = cv2.dilate(outline.astype(np.uint8), np.ones((side, side), np.uint8))
    near: NDArray[np.bool_] = np.equal(wide, 1)
    return near
