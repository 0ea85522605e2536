"""Hair: where it grows on the neutral head, and how far it stands off, by style.

Places are normalised coordinates on the neutral body (x to the viewer's right, y down, z away, so the face has the
smallest z); every body shares its mesh.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_DEPTHS: Final = (-0.130, -0.115, -0.100, -0.085, -0.070, -0.058, -0.046, -0.038, -0.030, -0.012, 0.000, 0.012, 0.03)
_HEIGHTS: Final = {
    "short": (-0.303, -0.297, -0.288, -0.268, -0.250, -0.222, -0.208, -0.225, -0.248, -0.248, -0.215, -0.185, -0.155),
    "cropped": (-0.300, -0.294, -0.284, -0.264, -0.246, -0.224, -0.212, -0.227, -0.248, -0.248, -0.215, -0.18, -0.15),
    "bun": (-0.306, -0.300, -0.292, -0.276, -0.258, -0.240, -0.226, -0.232, -0.248, -0.248, -0.215, -0.190, -0.165),
}
"""Down to which height hair grows, seen from the side: past the forehead, the temple, the ear, to the nape."""

_THICKNESS: Final = {"short": (0.016, 0.007), "cropped": (0.003, 0.002), "bun": (0.008, 0.006)}
"""How far hair stands off at the crown and at the ears."""

_KNOT: Final = (np.array([0.0, -0.352, 0.006]), 0.030, 0.042)
"""A bun's place, its radius and how far it stands off."""


def growth(places: Array, style: str) -> Array:
    """Measure how far inside the hairline places (V, 3) lie: above 0 where hair grows, in normalised units: (V,)."""
    depths, heights = np.array(_DEPTHS), np.array(_HEIGHTS[style])
    slopes = np.interp(places[:, 2], depths, np.abs(np.gradient(heights, depths)))
    above = np.interp(places[:, 2], depths, heights) - places[:, 1]
    return above / np.hypot(1, slopes)  # type: ignore[no-any-return]


def stand_off(places: Array, style: str) -> Array:
    """Measure how far hair stands off the skin: (V,) in normalised units, 0 along the hairline."""
    top, sides = _THICKNESS[style]
    height = np.clip((-places[:, 1] - 0.24) / 0.10, 0, 1)
    inside = np.clip(growth(places, style) / 0.035, 0, 1)
    rise = (sides + (top - sides) * height) * np.sqrt(inside)
    if style == "bun":
        centre, radius, off = _KNOT
        away = np.linalg.norm(places - centre, axis=1) / radius
        rise = np.maximum(rise, off * np.sqrt(np.clip(1 - away**2, 0, 1)))
    return 0.0015 + rise
