"""Where a signer stands in the frame: one orthographic camera that drawings, avatars and training frames share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Camera:
    """Maps normalised coordinates (neck at the origin, shoulders 1/3 apart) to pixels of a square frame.

    With the defaults the head is whole, an open hand spans at least a fifth of the frame, and the right hand, held
    beside the shoulder, lies inside it.

    Args:
        scale: frame sides per unit: a shoulder width is ``scale / 3`` of the side.
        neck: (x, y) of the neck, as a share of the side, from the top left corner.

    Example:
        >>> Camera().project(np.zeros(3), 256).round(1).tolist()
        [138.2, 121.6]
    """

    scale: float = 1.2
    neck: tuple[float, float] = (0.54, 0.475)

    def project(self, points: NDArray[np.floating], size: int) -> NDArray[np.floating]:
        """Project points (..., 2 or 3), normalised, depth ignored, to pixels (..., 2) of a square frame.

        x grows to the right, y downwards, from the top left corner.
        """
        return (points[..., :2] * self.scale + np.asarray(self.neck)) * size  # type: ignore[no-any-return]
