"""Refuse what cannot be lifted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from signdiff_core.skeleton import BODY, BODY_JOINTS, LEFT_HAND, NUM_JOINTS, RIGHT_HAND

if TYPE_CHECKING:
    from numpy.typing import NDArray


def check_keypoints(keypoints: NDArray[np.floating], name: str) -> None:
    """Check the keypoints of a clip.

    Args:
        keypoints: shall be (T, 50, 3), T at least 1, of x, y and confidence.
        name: of the argument, for the error.

    Raises:
        ValueError: the shape is another, a number is not finite, a confidence is negative, a joint is never seen, or
            all points are the same.
    """
    if keypoints.ndim != 3 or keypoints.shape[1:] != (NUM_JOINTS, 3) or not len(keypoints):
        raise ValueError(
            f"{name} must have the shape (T, {NUM_JOINTS}, 3), T at least 1, but has {tuple(keypoints.shape)}."
        )
    finite = np.isfinite(keypoints)
    if not finite.all():
        frame, joint, _ = np.argwhere(~finite)[0]
        raise ValueError(
            f"{name} must be finite, but {int((~finite).sum())} numbers are not, "
            f"the first in frame {frame}, joint {joint}."
        )
    confidence = keypoints[..., 2]
    if (confidence < 0).any():
        frame, joint = np.argwhere(confidence < 0)[0]
        raise ValueError(
            f"{name} must have confidences of at least 0, but frame {frame}, joint {joint} has "
            f"{confidence[frame, joint]:g}."
        )
    never = np.asarray((confidence <= 0).all(axis=0))
    if never.any():
        raise ValueError(f"{name} must show every joint in some frame, but never shows {_names(never)}.")
    if not keypoints[..., :2].std() > 0:
        raise ValueError(f"{name} must hold points that are apart, but all are the same.")


def without_mask(keypoints: NDArray[np.floating]) -> NDArray[np.floating]:
    """Give keypoints, (T, J, 3), as a plain array: one with a masked number is absent, all its numbers are 0."""
    if not np.ma.is_masked(keypoints):
        return np.asarray(keypoints)
    return np.where(np.ma.getmaskarray(keypoints).any(axis=-1, keepdims=True), 0, np.ma.getdata(keypoints))


def _names(joints: NDArray[np.bool_]) -> str:
    names = [name for name, is_meant in zip(BODY_JOINTS, joints[BODY], strict=True) if is_meant]
    for side, part in (("left", LEFT_HAND), ("right", RIGHT_HAND)):
        count = int(joints[part].sum())
        if count:
            names.append(f"the {side} hand" if joints[part].all() else f"{count} joints of the {side} hand")
    return ", ".join(names)
