"""The last steps of a clip: one size, one rate, one hand.

Source: Stoll et al., Text2Sign (IJCV 2020), section 3.2: the neck at the origin, the shoulders at one distance.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core.formats.coordinates import normalise
from signdiff_core.skeleton import (
    LEFT_ELBOW,
    LEFT_HAND,
    LEFT_SHOULDER,
    LEFT_WRIST,
    NUM_JOINTS,
    RIGHT_ELBOW,
    RIGHT_HAND,
    RIGHT_SHOULDER,
    RIGHT_WRIST,
)
from signdiff_slp.corpora.filling import resample

_PAIRS: Final = (
    (LEFT_SHOULDER, RIGHT_SHOULDER),
    (LEFT_ELBOW, RIGHT_ELBOW),
    (LEFT_WRIST, RIGHT_WRIST),
    *zip(range(LEFT_HAND.start, LEFT_HAND.stop), range(RIGHT_HAND.start, RIGHT_HAND.stop), strict=True),
)


def to_normal(joints: NDArray[np.floating], fps: float, target_fps: float) -> NDArray[np.float32]:
    """Bring whole clips to normalised coordinates and to a corpus's frame rate.

    Args:
        joints: (T, 50, 3) positions in any unit, y downwards, all of them present.
        fps: their frames per second.
        target_fps: those of the corpus.

    Returns:
        (T', 50, 3): in every frame the neck is the origin; over the clip, the median distance of the shoulders is 1/3.

    Raises:
        ValueError: the shoulders are nowhere apart, or a rate is not positive.
    """
    settled = normalise(joints, np.ones(joints.shape[:2]))
    return resample(settled, fps, target_fps).astype(np.float32)


def mirror(joints: NDArray[np.floating]) -> NDArray[np.floating]:
    """Make a left-handed signer right-handed: the picture in a mirror, whose left is the signer's right.

    Args:
        joints: (T, 50, 3) normalised coordinates.

    Returns:
        (T, 50, 3); mirrored twice, the clip is what it was.
    """
    order = np.arange(NUM_JOINTS)
    for left, right in _PAIRS:
        order[[left, right]] = right, left
    return np.asarray(joints[:, order] * np.array([-1.0, 1.0, 1.0], dtype=joints.dtype))


def left_share(joints: NDArray[np.floating]) -> float:
    """Tell how much of the wrists' way the left one makes, in [0, 1]; 0.5 in a clip without movement.

    Args:
        joints: (T, 50, 3) normalised coordinates.
    """
    steps = np.diff(joints[:, [LEFT_WRIST, RIGHT_WRIST]], axis=0)
    left, right = np.linalg.norm(steps, axis=-1).sum(axis=0)
    return float(left / (left + right)) if left + right > 0 else 0.5
