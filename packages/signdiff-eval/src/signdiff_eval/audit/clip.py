"""A pose as it is stored, with its holes, and what can be seen of it alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pose_format import Pose

_NORMALISED: Final = ("BODY", "LEFT_HAND", "RIGHT_HAND")
"""Components of the skeleton that SignDiff and Progressive Transformers keep in normalised coordinates."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One sequence: ``joints`` (T, J, C) float64 as stored, NaN where one is absent; ``present`` (T, J); ``fps``.

    ``skeleton`` names the J joints; ``normalised``: the file says that its unit is three widths of the shoulders.
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
    """Measure how large a figure is in most frames: the median of the deviation of its joints from their middle."""
    return float(np.median((joints - joints.mean(axis=1, keepdims=True)).std(axis=(1, 2))))


STILL: Final = 1e-3
"""A figure whose joints move less in a frame, as a share of its size, is frozen."""

STILL_SHARE: Final = 0.02
"""A hypothesis whose joints move less than this share of its reference's movement in a frame is frozen."""

SHOULDER_WIDTH: Final = 1 / 3
"""Distance of the shoulders in normalised coordinates."""

OFF_SCALE: Final = 1.5
"""A figure in normalised coordinates that is larger or smaller by this factor is in other units."""

NORMALISE: Final = "signdiff convert FILE OUT --normalise brings files to one scale"

_SHOULDERS: Final = ("BODY.RIGHT_SHOULDER", "BODY.LEFT_SHOULDER")


def holes(clip: Clip) -> Iterator[tuple[str, str]]:
    """Find frames without joints and frames with numbers that aren't finite: kind and detail."""
    T = len(clip.joints)
    if not T:
        yield "empty-frames", "no frame at all"
        return
    empty = ~clip.present.any(axis=1)
    empty |= (np.nan_to_num(clip.joints, nan=0.0) == 0).all(axis=(1, 2)) & ~_broken(clip)
    for kind, bad in (("empty-frames", empty), ("nan-frames", _broken(clip))):
        if bad.any():
            yield kind, f"{int(bad.sum())} of {T} frames, the first is frame {int(bad.argmax())}"


def off_scale(clip: Clip) -> str | None:
    """Tell how a figure isn't of the size that its format says, of shoulders 1/3 apart; None if it is, or says none."""
    shoulders = [place for place, name in enumerate(clip.skeleton) if name in _SHOULDERS]
    if not clip.normalised or len(shoulders) != 2:
        return None
    apart = np.linalg.norm(clip.joints[:, shoulders[0]] - clip.joints[:, shoulders[1]], axis=-1)
    width = float(np.median(apart[np.isfinite(apart)])) if np.isfinite(apart).any() else 0.0
    if width == 0 or 1 / OFF_SCALE < width / SHOULDER_WIDTH < OFF_SCALE:
        return None
    return f"the shoulders are {width:.3g} apart, in normalised coordinates {SHOULDER_WIDTH:.3f}; {NORMALISE}"


def frozen(joints: NDArray[np.float64], reference: NDArray[np.float64] | None = None) -> str | None:
    """Tell how a pose, (T, J, C), finite, at least one frame, doesn't move; None if it does.

    A reference, likewise, is the measure of movement; one that is frozen itself makes nothing frozen.

    Example:
        >>> walk = np.cumsum(np.ones((9, 2, 3)), axis=0)
        >>> frozen(walk * [[[1], [2]]])
        >>> frozen(np.repeat(walk[:1] * [[[1], [2]]], 9, axis=0), walk)
        'joints move 0 in a frame, 0.0% of the reference'
    """
    if reference is not None and (len(reference) < 2 or speed(reference) == 0):
        return None
    moved = speed(joints)
    if reference is None:
        if len(joints) > 1 and moved <= STILL * extent(joints):
            return f"joints move {moved:.2g} in a frame"
    elif moved < STILL_SHARE * speed(reference):
        return f"joints move {moved:.2g} in a frame, {100 * moved / speed(reference):.1f}% of the reference"
    still = longest_still(joints)
    if 2 * still > len(joints) and still > 2 and (reference is None or 2 * longest_still(reference) <= len(reference)):
        return f"{still} of {len(joints)} frames in a row are identical"
    return None


def speed(joints: NDArray[np.float64]) -> float:
    """Measure how far a joint moves from frame to frame, on average; 0 for a single frame."""
    if len(joints) < 2:
        return 0.0
    return float(np.linalg.norm(np.diff(joints, axis=0), axis=-1).mean())


def longest_still(joints: NDArray[np.float64]) -> int:
    """Count the frames of the longest run without any movement, at least 1."""
    longest = run = 1
    for same in (np.diff(joints, axis=0) == 0).all(axis=(1, 2)):
        run = run + 1 if same else 1
        longest = max(longest, run)
    return longest


def _broken(clip: Clip) -> NDArray[np.bool_]:
    wrong = ~np.isfinite(clip.joints).all(axis=-1) & clip.present
    return np.asarray(wrong.any(axis=1), dtype=np.bool_)
