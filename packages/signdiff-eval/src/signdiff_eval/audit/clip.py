"""A pose as it is stored: with its holes, and whatever else is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pose_format import Pose


_NORMALISED: Final = ("BODY", "LEFT_HAND", "RIGHT_HAND")
"""Components of the skeleton that SignDiff and Progressive Transformers keep in normalised coordinates."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One sequence.

    Attributes:
        joints: (T, J, C) float64, as stored; NaN where a joint is absent.
        present: (T, J), where a joint is there.
        fps: frames per second, as stored.
        skeleton: names of the J joints.
        normalised: the file says that its unit is three widths of the shoulders.
    """

    joints: NDArray[np.float64]
    present: NDArray[np.bool_]
    fps: float
    skeleton: tuple[str, ...] = ()
    normalised: bool = False

    @property
    def whole(self) -> NDArray[np.float64]:
        """The frames that have every joint that any frame has, and nothing but numbers."""
        joints = self.joints[:, self.present.any(axis=0)]
        return joints[np.isfinite(joints).all(axis=(1, 2))]


def clip_of(pose: Pose) -> Clip:
    """Take the first person's joints out of a pose."""
    joints = np.ma.filled(np.ma.asarray(pose.body.data)[:, 0].astype(np.float64), np.nan)
    present = np.asarray(pose.body.confidence[:, 0]) > 0
    # pose-format masks what isn't confident; a NaN under confidence is no hole but a mistake.
    joints[~present] = np.nan
    names = tuple(f"{part.name}.{point}" for part in pose.header.components for point in part.points)
    size = pose.header.dimensions
    parts = tuple(part.name for part in pose.header.components)
    normalised = parts == _NORMALISED and (size.width, size.height) == (1, 1)
    return Clip(joints, present, float(pose.body.fps), names, normalised)


def extent(joints: NDArray[np.float64]) -> float:
    """Measure how large a figure is: the deviation of its joints from each frame's middle, in units of the file."""
    return float((joints - joints.mean(axis=1, keepdims=True)).std())


def figure_size(joints: NDArray[np.float64]) -> float:
    """Measure how large a figure is in most frames: the median of the deviation of its joints from their middle.

    Args:
        joints: (T, J, C), finite.
    """
    return float(np.median((joints - joints.mean(axis=1, keepdims=True)).std(axis=(1, 2))))
