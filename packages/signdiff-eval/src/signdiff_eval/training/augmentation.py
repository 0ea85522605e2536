"""Small changes that leave the meaning of a pose alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def stretch(joints: NDArray[np.float32], tempo: float) -> NDArray[np.float32]:
    """Change the tempo by linear interpolation.

    Args:
        joints: (T, J, C).
        tempo: 2 halves the number of frames.

    Returns:
        (T', J, C), at least one frame, from the first to the last.

    Example:
        >>> stretch(np.arange(5, dtype=np.float32).reshape(5, 1, 1), 2.0).ravel().tolist()
        [0.0, 2.0, 4.0]
    """
    frames = max(1, round((len(joints) - 1) / tempo) + 1)
    times = np.linspace(0, len(joints) - 1, frames)
    before = times.astype(np.intp)
    after = np.minimum(before + 1, len(joints) - 1)
    weight = (times - before).astype(np.float32)[:, None, None]
    return joints[before] * (1 - weight) + joints[after] * weight


def add_noise(features: NDArray[np.float32], amount: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Add Gaussian noise of a deviation from 0 to ``amount`` to features (T, F)."""
    if amount == 0:
        return features
    return features + rng.standard_normal(features.shape, dtype=np.float32) * np.float32(rng.uniform(0, amount))
