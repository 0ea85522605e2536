"""How long a signer's bones are, from how long they look.

A bone that points at the viewer looks short, so a picture tells the least length a bone may have. Where a clip never
shows a bone from the side, what people's bodies are like tells more: lengths in shoulder widths, with their spread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core import skeleton
from signdiff_core.anatomy.arm import palm_size
from signdiff_core.anatomy.rotations import Array

UPPER_ARM, FOREARM, PALM = 0.93, 0.80, 0.31
"""Usual lengths in shoulder widths as detectors mark them; a palm's is from the wrist to the knuckles."""

_SPREAD: Final = 0.10
"""Standard deviation of lengths among people, relative."""

_SHOWN: Final = 0.03
"""How far a length may be below what the picture shows: perspective and noise, relative."""

_SIDEWAYS: Final = 0.95
"""Quantile of a bone's lengths in the picture at which it is seen from the side, noise left out."""

_ARMS: Final = (
    (skeleton.LEFT_SHOULDER, skeleton.LEFT_ELBOW, skeleton.LEFT_WRIST, skeleton.LEFT_HAND),
    (skeleton.RIGHT_SHOULDER, skeleton.RIGHT_ELBOW, skeleton.RIGHT_WRIST, skeleton.RIGHT_HAND),
)


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """Lengths of a signer: shoulder width in pixels, the others in shoulder widths, left and right alike."""

    shoulders: float
    upper_arm: float
    forearm: float
    palm: float


def measure(points: Array, known: NDArray[np.bool_]) -> Lengths:
    """Measure a signer from joints (T, 50, 3) in pixels, z NaN without depth, and whether they are known (T, 50).

    Raises:
        ValueError: no frame shows both shoulders, apart.
    """
    ends = [skeleton.LEFT_SHOULDER, skeleton.RIGHT_SHOULDER]
    both = known[:, ends].all(axis=1)
    widths = np.linalg.norm(points[both][:, ends[0], :2] - points[both][:, ends[1], :2], axis=-1)
    if not (widths > 0).any():
        raise ValueError("keypoints must show both shoulders, apart, in some frame, but never do.")
    width = float(np.median(widths[widths > 0]))
    seen: dict[str, list[float]] = {"upper": [], "fore": [], "palm": []}
    for shoulder, elbow, wrist, hand in _ARMS:
        for part, (a, b) in (("upper", (shoulder, elbow)), ("fore", (elbow, wrist))):
            there = known[:, a] & known[:, b]
            seen[part] += list(np.linalg.norm(points[there, a, :2] - points[there, b, :2], axis=-1) / width)
        whole = known[:, hand].all(axis=1)
        joints = points[whole][:, hand]
        deep = np.asarray(np.isfinite(joints[..., 2]).all(axis=1))
        flat = np.where(deep[:, None, None], joints, joints * [1, 1, 0] if len(joints) else joints)
        seen["palm"] += list(palm_size(np.nan_to_num(flat)) / width)
    return Lengths(
        shoulders=width,
        upper_arm=_length(seen["upper"], UPPER_ARM),
        forearm=_length(seen["fore"], FOREARM),
        palm=_length(seen["palm"], PALM),
    )


def _length(shown: list[float], usual: float) -> float:
    """Weigh a usual length against those that the picture shows: the least that it may be."""
    if not shown:
        return usual
    least = float(np.quantile(shown, _SIDEWAYS))
    if least <= usual:
        return usual
    ours, theirs = 1 / _SPREAD**2, 1 / _SHOWN**2
    return float(np.exp((ours * np.log(usual) + theirs * np.log(least)) / (ours + theirs)))
