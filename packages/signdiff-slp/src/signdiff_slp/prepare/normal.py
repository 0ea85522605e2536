"""The last steps of a clip: one size, one rate, one hand.

Source: Stoll et al., Text2Sign (IJCV 2020), section 3.2: the neck at the origin, the shoulders at one distance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from signdiff_core import skeleton
from signdiff_core.faces import MIRRORED_FACE, MIRRORED_HEAD
from signdiff_core.formats.coordinates import normalise
from signdiff_core.skeleton import LEFT_WRIST, NUM_JOINTS, RIGHT_WRIST
from signdiff_slp.corpora.filling import resample


def to_normal(joints: NDArray[np.floating], fps: float, target_fps: float) -> NDArray[np.float32]:
    """Bring a whole clip, (T, J, 3) in any unit, to normalised coordinates and to a corpus's frame rate.

    In every frame the neck is the origin; over the clip, the median distance of the shoulders is 1/3. A ``ValueError``
    says if the shoulders are nowhere apart, or a rate is not positive.
    """
    settled = normalise(joints, np.ones(joints.shape[:2]))
    return resample(settled, fps, target_fps).astype(np.float32)


def mirror(joints: NDArray[np.floating]) -> NDArray[np.floating]:
    """Make a left-handed signer right-handed, (T, J, 3) normalised: a mirror, whose left is the signer's right."""
    order = np.arange(joints.shape[1])
    if joints.shape[1] > NUM_JOINTS:
        order[skeleton.HEAD] = np.asarray(MIRRORED_HEAD) + skeleton.HEAD.start
        order[skeleton.FACE] = np.asarray(MIRRORED_FACE) + skeleton.FACE.start
    for part in ("SHOULDER", "ELBOW", "WRIST", "HAND"):
        left, right = getattr(skeleton, f"LEFT_{part}"), getattr(skeleton, f"RIGHT_{part}")
        order[left], order[right] = order[right].copy(), order[left].copy()
    return np.asarray(joints[:, order] * np.array([-1.0, 1.0, 1.0], dtype=joints.dtype))


def left_share(joints: NDArray[np.floating]) -> float:
    """Tell how much of the wrists' way the left one makes, in [0, 1]; 0.5 in a clip without movement."""
    steps = np.diff(joints[:, [LEFT_WRIST, RIGHT_WRIST]], axis=0)
    left, right = np.linalg.norm(steps, axis=-1).sum(axis=0)
    return float(left / (left + right)) if left + right > 0 else 0.5
