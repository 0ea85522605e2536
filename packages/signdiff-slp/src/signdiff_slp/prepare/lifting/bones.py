"""Measure a signer's bones in the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from signdiff_slp.prepare.lifting.limbs import BONES, LIMBS, NUM_BONES

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHORTEST: Final = 1e-6


def log_bone_lengths(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Measure the bones of a clip: medians of what their limbs are long in the picture.

    A median is robust against what a detector invents. Of an even number of lengths, the lower middle one is taken.
    A limb that points at the viewer looks short, so a median is rather too short than too long.

    Args:
        points: (T, 50, 2) positions without gaps.

    Returns:
        (25,) natural logarithms of the lengths of `limbs.BONES`, in the unit of ``points``. A bone without length, as
        between a wrist and a hand's first joint that lies on it, counts as 1e-6 long.

    Source:
        Zelinka & Kanis, WACV 2020, and its published program.
    """
    near, far, _ = np.array(LIMBS).T
    lengths = np.linalg.norm(points[:, far] - points[:, near], axis=-1)
    medians = [np.quantile(lengths[:, bone == BONES], 0.5, method="lower") for bone in range(NUM_BONES)]
    return np.log(np.maximum(medians, _SHORTEST))
