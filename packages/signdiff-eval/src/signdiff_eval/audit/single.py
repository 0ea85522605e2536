"""What can be told of a sequence alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from signdiff_eval.audit.clip import extent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from signdiff_eval.audit.clip import Clip

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
    """Find frames without joints and frames with numbers that aren't finite.

    Yields:
        Kind and detail.
    """
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
    """Tell whether a figure isn't of the size that its format says: of shoulders 1/3 apart.

    Returns:
        What was found; None if it is, or if the format says no size.
    """
    shoulders = [place for place, name in enumerate(clip.skeleton) if name in _SHOULDERS]
    if not clip.normalised or len(shoulders) != 2:
        return None
    apart = np.linalg.norm(clip.joints[:, shoulders[0]] - clip.joints[:, shoulders[1]], axis=-1)
    width = float(np.median(apart[np.isfinite(apart)])) if np.isfinite(apart).any() else 0.0
    if width == 0 or 1 / OFF_SCALE < width / SHOULDER_WIDTH < OFF_SCALE:
        return None
    return f"the shoulders are {width:.3g} apart, in normalised coordinates {SHOULDER_WIDTH:.3f}; {NORMALISE}"


def frozen(joints: NDArray[np.float64], reference: NDArray[np.float64] | None = None) -> str | None:
    """Tell whether a pose doesn't move.

    Args:
        joints: (T, J, C), finite, at least one frame.
        reference: likewise, what it should be; it is then the measure of movement.

    Returns:
        What was found; None if it moves. A reference that is frozen itself makes nothing frozen.

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
