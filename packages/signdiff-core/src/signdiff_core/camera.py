"""Where a signer stands in the frame: one orthographic camera that drawings, avatars and training frames share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Camera:
    """Maps normalised coordinates (neck at the origin, shoulders 1/3 apart) to pixels of a frame.

    With the defaults the head is whole, an open hand spans at least a fifth of a square frame, and the right hand, held
    beside the shoulder, lies inside it. `signdiff_core.framing.choose_camera` finds one that shows all of a clip.

    Args:
        scale: shorter sides of the frame per unit: a shoulder width is ``scale / 3`` of the shorter side.
        neck: (x, y) of the neck, as a share of the width and of the height, from the top left corner.

    Example:
        >>> Camera().project(np.zeros(3), 256).round(1).tolist()
        [138.2, 121.6]
        >>> Camera(neck=(0.5, 0.5)).project(np.zeros(3), (1280, 720)).tolist()
        [640.0, 360.0]
    """

    scale: float = 1.2
    neck: tuple[float, float] = (0.54, 0.475)

    @staticmethod
    def centred(width: int, height: int) -> Camera:
        """Give the default view in a frame of any shape: what a square frame would show lies in its middle.

        Example:
            >>> Camera.centred(512, 512) == Camera()
            True
        """
        side, (x, y) = min(width, height), Camera.neck
        return Camera(
            neck=(
                x if width == side else 0.5 + (x - 0.5) * side / width,
                y if height == side else 0.5 + (y - 0.5) * side / height,
            )
        )

    def scales(self, size: int | tuple[int, int]) -> tuple[float, float]:
        """Give how much of the width, and of the height, a unit is in a frame of a side or a (width, height)."""
        width, height = (size, size) if isinstance(size, int) else size
        side = min(width, height)
        return self.scale * (side / width), self.scale * (side / height)

    def project(self, points: NDArray[np.floating], size: int | tuple[int, int]) -> NDArray[np.floating]:
        """Project points (..., 2 or 3), normalised, depth ignored, to pixels (..., 2) of a frame.

        ``size`` is the side of a square frame, or (width, height). x grows to the right, y downwards, from the top left
        corner.
        """
        scales = np.array(self.scales(size), dtype=points.dtype)
        return (points[..., :2] * scales + np.asarray(self.neck)) * np.asarray(size)  # type: ignore[no-any-return]
