"""What a clip is on its way through preparation: two-dimensional keypoints of one signer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from signdiff_core.skeleton import NUM_JOINTS

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Keypoints:
    """The 50 joints of one signer as a detector sees them.

    Attributes:
        name: of the clip.
        points: (T, 50, 3) float32 of x and y in pixels, y downwards, and confidence in [0, 1]: 0 where a joint is
            absent, whose position is 0 then.
        fps: frames per second.
        size: width and height of the picture in pixels; ``None`` if the source does not tell.
        notes: what a reader of the report should know: people left out, frames without anybody.

    Raises:
        ValueError: ``points`` has another shape or no frame, a number is not finite, or ``fps`` is not positive.
    """

    name: str
    points: NDArray[np.float32]
    fps: float
    size: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.points.ndim != 3 or self.points.shape[1:] != (NUM_JOINTS, 3) or not len(self.points):
            raise ValueError(f"points must have the shape (T, {NUM_JOINTS}, 3), but has {self.points.shape}.")
        if not np.isfinite(self.points).all():
            raise ValueError(f"points must be finite, but {int((~np.isfinite(self.points)).sum())} numbers are not.")
        if not self.fps > 0:
            raise ValueError(f"fps must be positive, but is {self.fps}.")
