"""Make depth one with width and height: a signer's bones keep their lengths, whichever way they point.

MediaPipe gives depth in a unit of its own. A factor that is too small makes a bone shorter whenever it points at the
viewer; one that is too large makes it longer. The right factor makes lengths most constant: it has the smallest
coefficient of variation (standard deviation divided by mean). What the factor leaves over is noise of the detector,
mostly in depth; `keep_lengths` takes it out by moving joints along the line of sight, and sideways only where a bone
appears longer than it is.

The landmarks of other detectors, as `signdiff_core.landmarks` takes them out of a pose, get their depth by
`with_depth`. A nose that comes from the face is put as far before the neck as the body of `body` has it, for a face's
depth is its own. Many files have the body's wrists replaced by those of the hands, depth included, which then says
nothing about the arm. The forearm's usual length puts such a wrist before the elbow, towards the viewer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core import skeleton
from signdiff_core.landmarks import Landmarks
from signdiff_core.skeleton import HAND_LIMBS, limb_lengths

if TYPE_CHECKING:
    from signdiff_slp.corpora.clips import Clip

ARM_LIMBS: Final = ((0, 1), (1, 2))
"""Upper arm and forearm among the joints of `Clip.arm`."""

PALM_LIMBS: Final = ((5, 9), (9, 13), (13, 17), (5, 17), (1, 5))
"""Pairs of joints across the palm whose distance hardly changes; no limbs, but they keep a palm flat."""

FOREARM: Final = 0.81
"""From elbow to wrist, in shoulder widths; that of `body`, whose import needs the extra ``corpora``."""

NOSE_BEFORE_NECK: Final = 0.42
"""How far the nose is before the neck, in shoulder widths; that of `body`."""


_TIP, _LIP, _CORNERS = 30, 51, ((36, 39), (42, 45))
"""Points of a face: the tip of the nose, the upper lip, and the corners of the right and of the left eye."""


@dataclass(frozen=True, kw_only=True)
class DepthFit:
    """How constant the bone lengths of ``hand`` or ``arm`` are with depth as it is, and with depth times ``factor``.

    The factor is in pixels per unit of MediaPipe's depth; the variation is the mean over bones of its coefficient.
    """

    part: str
    factor: float
    variation_before: float
    variation_after: float
    frames: int


def variation(points: NDArray[np.floating], limbs: Sequence[tuple[int, int]], factor: float) -> float:
    """Tell how constant the lengths of limbs between points (T, J, 3) are, once their depth is multiplied by a factor.

    It is the mean over bones of standard deviation divided by mean length; 0 is constant.

    >>> points = np.array([[[0, 0, 0], [3, 0, 0]], [[0, 0, 0], [0, 0, 1.0]]])
    >>> variation(points, [(0, 1)], 3.0)
    0.0
    """
    lengths = limb_lengths(points * np.array([1.0, 1.0, factor]), limbs)
    return float(np.mean(lengths.std(axis=0) / lengths.mean(axis=0)))


def depth_factor(points: NDArray[np.floating], limbs: Sequence[tuple[int, int]], *, largest: float) -> float:
    """Find the factor up to ``largest``, to a hundredth of it, with which `variation` is least."""
    candidates = np.linspace(0.0, largest, 101)
    return float(candidates[np.argmin([variation(points, limbs, factor) for factor in candidates])])


def measure_depth(clips: Sequence[Clip]) -> list[DepthFit]:
    """Estimate the factors of hand and arm on all frames of all clips; the table of ``corpus depth``."""
    hands = np.concatenate([clip.hand for clip in clips])
    arms = np.concatenate([clip.arm for clip in clips])
    fits = []
    for part, points, limbs, largest in (("hand", hands, HAND_LIMBS, 2000.0), ("arm", arms, ARM_LIMBS, 400.0)):
        factor = depth_factor(points, limbs, largest=largest)
        fits.append(
            DepthFit(
                part=part,
                factor=factor,
                variation_before=variation(points, limbs, 1.0),
                variation_after=variation(points, limbs, factor),
                frames=len(points),
            )
        )
    return fits


def keep_lengths(
    points: NDArray[np.floating],
    limbs: Sequence[tuple[int, int]],
    lengths: NDArray[np.floating],
    *,
    mobility: NDArray[np.floating],
    sweeps: int = 300,
) -> NDArray[np.float64]:
    """Move joints until limbs have their lengths, each joint as little as can be and rather in depth than sideways.

    Position-based dynamics (Müller et al. 2007): every sweep corrects each limb along itself, shared between its two
    joints and the three axes by their mobilities, (J, 3), of which 0 nails a joint down. The limbs of (T, J, 3), the
    result, have their lengths to within about a hundredth.
    """
    moved = np.array(points, dtype=np.float64)
    for _ in range(sweeps):
        for (a, b), length in zip(limbs, lengths, strict=True):
            along = moved[:, b] - moved[:, a]
            now = np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-9)
            unit = along / now
            give = np.sum(unit**2 * (mobility[a] + mobility[b]), axis=-1, keepdims=True)
            step = 0.7 * (now - length) / np.maximum(give, 1e-6) * unit
            moved[:, a] += step * mobility[a]
            moved[:, b] -= step * mobility[b]
    return moved


def with_depth(landmarks: Landmarks, *, hand: float, arm: float) -> Landmarks:
    """Give loose depth the unit of width and height; landmarks whose depth is not loose are given back.

    ``hand`` and ``arm`` are shoulder widths per unit of depth within a hand, and in the body; if both are 0, the pose
    becomes flat.
    """
    if not landmarks.loose_depth:
        return landmarks
    joints = landmarks.joints.copy()
    width = shoulder_width(landmarks)
    joints[..., 2] *= arm * width
    flat = hand == arm == 0
    if not landmarks.nose_depth:
        joints[:, skeleton.NOSE, 2] = 0.0 if flat else -NOSE_BEFORE_NECK * width
    if not landmarks.wrist_depth:
        for elbow, wrist in (
            (skeleton.LEFT_ELBOW, skeleton.LEFT_WRIST),
            (skeleton.RIGHT_ELBOW, skeleton.RIGHT_WRIST),
        ):
            seen = np.linalg.norm(joints[:, wrist, :2] - joints[:, elbow, :2], axis=-1)
            before = np.sqrt(np.maximum((FOREARM * width) ** 2 - seen**2, 0.0))
            joints[:, wrist, 2] = joints[:, elbow, 2] - (0.0 if flat else before)
    for part, wrist in (
        (skeleton.LEFT_HAND, skeleton.LEFT_WRIST),
        (skeleton.RIGHT_HAND, skeleton.RIGHT_WRIST),
    ):
        joints[:, part, 2] = joints[:, wrist, None, 2] + landmarks.joints[:, part, 2] * hand * width
    if joints.shape[1] > skeleton.NUM_JOINTS:
        _face_depth(joints, landmarks, hand * width)
    return Landmarks(joints, landmarks.confidence)


def _face_depth(joints: NDArray[np.float64], landmarks: Landmarks, factor: float) -> None:
    """Put a face, whose depth is its own, where the nose is; its tip is the nose, or else before the upper lip."""
    own, seen = landmarks.joints[:, skeleton.FACE, 2], landmarks.confidence[:, skeleton.FACE] > 0
    tip = np.where(seen[:, _TIP], own[:, _TIP], own[:, _LIP])
    joints[:, skeleton.FACE, 2] = joints[:, skeleton.NOSE, None, 2] + (own - tip[:, None]) * factor
    for eye, corners in enumerate(_CORNERS):
        without = ~np.isfinite(joints[:, skeleton.HEAD.start + eye, 2])
        middle = joints[:, [skeleton.FACE.start + corner for corner in corners], 2].mean(axis=1)
        joints[without, skeleton.HEAD.start + eye, 2] = middle[without]


def shoulder_width(landmarks: Landmarks) -> float:
    """Measure the median distance of the shoulders as the viewer sees it; a ``ValueError`` if they are never seen."""
    ends = [skeleton.LEFT_SHOULDER, skeleton.RIGHT_SHOULDER]
    both = (landmarks.confidence[:, ends] > 0).all(axis=1)
    shoulders = landmarks.joints[both][:, ends, :2]
    width = np.linalg.norm(shoulders[:, 0] - shoulders[:, 1], axis=-1)
    if not (width > 0).any():
        raise ValueError("joints must hold both shoulders in some frame, but they are absent.")
    return float(np.median(width[width > 0]))
