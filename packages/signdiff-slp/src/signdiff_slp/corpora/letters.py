"""The 26 letters as clean postures of one body: real clips, with consistent depth and constant bone lengths.

What is done to a clip, and why:

1. Depth gets its factor (`depth`), and jitter of a frame's width is smoothed away.
2. Bones get their lengths by moving joints in depth (`depth.keep_lengths`): what the viewer sees stays.
3. The motion in and out is trimmed: it belongs to a person who starts and stops, not to a word. What is kept is the
   longest run of frames in which the hand stands still or, for the letters that are movements (j, z), the movement.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from signdiff_core.skeleton import HAND_LIMBS
from signdiff_slp.corpora.body import FOREARM_LENGTH, HAND_LENGTHS, SHOULDER, UPPER_ARM_LENGTH
from signdiff_slp.corpora.clips import SHOULDERS_APART, Clip, read_clips
from signdiff_slp.corpora.depth import ARM_LIMBS, PALM_LIMBS, keep_lengths
from signdiff_slp.corpora.kinematics import Postures, forearm_axes, limb_directions, palm_axes, unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

HAND_DEPTH: Final = 660.0
"""Pixels per unit of depth in a hand, found by `depth.measure_depth`."""

ARM_DEPTH: Final = 88.0
"""Pixels per unit of depth in the arm, found by `depth.measure_depth`."""

MOVED: Final = {"j": (4, 15), "z": (0, 12)}
"""Letters whose movement is the letter, and the frames of their clips in which it happens."""

_UNIT: Final = 3 * SHOULDERS_APART
_STILL: Final = 4.0
_PALM_LENGTHS: Final = np.array([0.0222, 0.0233, 0.0250, 0.0683, 0.0703])


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One letter of the alphabet as this body makes it.

    Attributes:
        letter: a small letter.
        whole: all frames of the clip.
        core: the still frames, or the movement of a letter that is one.
        core_frames: first frame of ``core`` in ``whole``, and the one after its last.
        posture: one frame, the middle of the still ones; the start of the movement of a letter that is one.
        moves: whether the letter is a movement.
    """

    letter: str
    whole: Postures
    core: Postures
    core_frames: tuple[int, int]
    posture: Postures
    moves: bool


@cache
def load_letters(folder: Path | None = None) -> Mapping[str, Letter]:
    """Read and clean the ASL alphabet; kept in memory, since it takes some seconds.

    Args:
        folder: as in `clips.read_clips`.

    Returns:
        The letters a to z.
    """
    return {letter.letter: letter for letter in clean(read_clips(folder))}


def clean(clips: Sequence[Clip]) -> list[Letter]:
    """Make clips consistent: constant bone lengths, plausible depth, no jitter, trimmed."""
    hands, arms, noses = zip(*(_smoothed(clip) for clip in clips), strict=True)
    hand = _hand(np.concatenate(hands))
    upper_arm, forearm = _arm(np.concatenate(arms))
    axes = palm_axes(hand)
    whole = Postures(
        nose=unit(np.concatenate(noses)),
        upper_arm=upper_arm,
        forearm=forearm,
        palm=forearm_axes(forearm).transpose(0, 2, 1) @ axes,
        fingers=limb_directions(hand) @ axes,
    )
    ends = np.cumsum([len(clip.nose) for clip in clips])
    return [_trimmed(clip, whole[end - len(clip.nose) : end]) for clip, end in zip(clips, ends, strict=True)]


def still_frames(clip: Clip) -> tuple[int, int]:
    """Find the longest run of frames in which the hand hardly moves.

    Returns:
        Its first frame, and the one after its last.
    """
    middle = gaussian_filter1d(clip.hand[..., :2].mean(axis=1), 0.5, axis=0)
    speed = np.linalg.norm(np.gradient(middle, axis=0), axis=-1)
    best = (0, 0)
    start = None
    for frame, still in enumerate([*(speed < _STILL), False]):
        if still and start is None:
            start = frame
        elif not still and start is not None:
            best = max(best, (start, frame), key=lambda run: run[1] - run[0])
            start = None
    return best


def average(postures: Postures) -> Postures:
    """Average postures that hardly differ into one frame."""
    return Postures(
        nose=unit(postures.nose.mean(axis=0, keepdims=True)),
        upper_arm=unit(postures.upper_arm.mean(axis=0, keepdims=True)),
        forearm=unit(postures.forearm.mean(axis=0, keepdims=True)),
        palm=Rotation.from_matrix(postures.palm).mean().as_matrix()[None],
        fingers=unit(postures.fingers.mean(axis=0, keepdims=True)),
    )


def _trimmed(clip: Clip, whole: Postures) -> Letter:
    moves = clip.letter in MOVED
    frames = MOVED[clip.letter] if moves else still_frames(clip)
    core = whole[slice(*frames)]
    return Letter(
        letter=clip.letter,
        whole=whole,
        core=core,
        core_frames=frames,
        posture=core[:1] if moves else average(core),
        moves=moves,
    )


def _smoothed(clip: Clip) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Hand (from its wrist, as large as the body's), arm (ending in the hand's wrist) and nose, in our units."""
    sigma = 0.6 if clip.letter in MOVED else 0.9
    hand = _smooth(clip.hand * np.array([1.0, 1.0, HAND_DEPTH]) / _UNIT, sigma)
    arm = _smooth(clip.arm * np.array([1.0, 1.0, ARM_DEPTH]) / _UNIT, 2 * sigma)
    nose = _smooth(clip.nose * np.array([1.0, 1.0, ARM_DEPTH]) / _UNIT, 2 * sigma)

    arm[:, 2, :2] = hand[:, 0, :2]
    arm[:, 2, 2] -= arm[:, 0, 2]
    arm[:, 0] = SHOULDER
    ends = np.asarray(HAND_LIMBS)
    seen = np.linalg.norm((hand[:, ends[:, 1]] - hand[:, ends[:, 0]])[..., :2], axis=-1)
    # A hand that is nearer to the camera appears larger: no bone can be longer than it is.
    nearer = max(1.0, float(np.percentile(seen / HAND_LENGTHS, 90)))
    return (hand - hand[:, :1]) / nearer, arm, nose


def _arm(arm: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mobility = np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 1.0], [0.02, 0.02, 1.0]])
    points = keep_lengths(arm, ARM_LIMBS, np.array([UPPER_ARM_LENGTH, FOREARM_LENGTH]), mobility=mobility)
    return unit(points[:, 1] - points[:, 0]), unit(points[:, 2] - points[:, 1])


def _hand(hand: NDArray[np.float64]) -> NDArray[np.float64]:
    mobility = np.tile([0.15, 0.15, 1.0], (21, 1))
    mobility[0] = 0.0
    limbs = (*HAND_LIMBS, *PALM_LIMBS)
    return keep_lengths(hand, limbs, np.concatenate([HAND_LENGTHS, _PALM_LENGTHS]), mobility=mobility)


def _smooth(points: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    return np.asarray(gaussian_filter1d(points, sigma, axis=0, mode="nearest"))
