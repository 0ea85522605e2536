"""The counter that Progressive Transformers carry in the last column of their frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def with_counter(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    """Flatten frames and add the counter of ``.skels`` files.

    Args:
        joints: (T, J, C).

    Returns:
        (T, J * C + 1), whose last column is t / T.

    Example:
        >>> with_counter(np.ones((2, 1, 3))).tolist()
        [[1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 0.5]]
    """
    frames = len(joints)
    return np.concatenate([joints.reshape(frames, -1), np.arange(frames)[:, None] / frames], axis=1)
