"""Masked arrays: what lies under a mask is no number, so it counts as absent wherever joints are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def masked_as_absent(
    joints: NDArray[Any], confidence: NDArray[Any] | None = None
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Tell the mask of joints, such as that of ``pose.body.data``, as confidences of 0.

    Args:
        joints: (..., J, C) positions, a masked array or a plain one.
        confidence: (..., J), likewise; 0 means absent.

    Returns:
        Both as plain arrays. A joint with a masked coordinate or a masked confidence has the confidence 0, and its
        masked coordinates are 0. The confidence stays None if nothing is masked and none was given.

    Example:
        >>> joints = np.ma.masked_equal([[[1.0, 2.0], [9.0, 9.0]]], 9.0)
        >>> plain, confidence = masked_as_absent(joints)
        >>> plain.tolist(), confidence.tolist()
        ([[[1.0, 2.0], [0.0, 0.0]]], [[1.0, 0.0]])
    """
    masked = np.ma.is_masked(joints)
    if confidence is not None:
        confidence = np.asarray(np.ma.filled(confidence, 0))
    elif masked:
        confidence = np.ones(np.shape(joints)[:-1], dtype=np.float32)
    if not masked:
        return np.asarray(joints), confidence
    absent = np.ma.getmaskarray(joints).any(axis=-1)
    if confidence is not None and confidence.shape == absent.shape:  # another shape is refused where it is used
        confidence = np.where(absent, 0, confidence)
    return np.ma.filled(joints, 0), confidence
