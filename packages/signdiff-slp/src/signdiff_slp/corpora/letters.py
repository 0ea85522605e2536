"""The letters of an alphabet as clean postures of one body: real clips, with consistent depth and constant bones.

What is done to a clip, and why:

1. Depth gets its factor (`depth`), and jitter of a frame's width is smoothed away.
2. Bones get their lengths by moving joints in depth (`depth.keep_lengths`): what the viewer sees stays.
3. The motion in and out is trimmed: it belongs to a person who starts and stops, not to a word. What is kept is the
   longest run of frames in which the hand stands still or, for the letters that are movements (j and z in ASL), the
   movement.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from signdiff_core.skeleton import HAND_LIMBS, RIGHT_HAND, limb_lengths
from signdiff_slp.corpora import body
from signdiff_slp.corpora.body import HAND_LENGTHS, Postures, unit
from signdiff_slp.corpora.clips import SHOULDERS_APART, STILL, Clip, hand_speed, moved_frames, read_clips
from signdiff_slp.corpora.depth import ARM_LIMBS, PALM_LIMBS, keep_lengths, measure_depth

HAND_DEPTH: Final = 660.0
"""Pixels per unit of depth in a hand of ASL, found by `depth.measure_depth`."""

ARM_DEPTH: Final = 88.0
"""Pixels per unit of depth in the arm of ASL, found by `depth.measure_depth`."""

_UNIT: Final = 3 * SHOULDERS_APART
_ALIKE: Final = 0.25
_ASL_LARGEST_BONES: Final = 1.08
_PALM_LENGTHS: Final = np.array([0.0222, 0.0233, 0.0250, 0.0683, 0.0703])


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One letter of the alphabet as this body makes it.

    ``whole`` has all frames of the clip; ``core`` the still ones, or the movement of a letter that is one, and
    ``core_frames`` says where. ``posture`` is one frame, the middle of the still ones or the start of the movement.
    """

    letter: str
    whole: Postures
    core: Postures
    core_frames: tuple[int, int]
    posture: Postures
    moves: bool


@cache
def load_letters(folder: Path | None = None, *, language: str = "ase") -> Mapping[str, Letter]:
    """Read and clean an alphabet, of ASL a to z; kept in memory, since it takes some seconds.

    A letter with a mark, such as č, is left out if nothing in its clip tells it from the letter without: neither a
    movement that was found nor another posture. `told_apart` decides. Arguments are those of `clips.read_clips`.
    """
    return told_apart({letter.letter: letter for letter in clean(read_clips(folder, language=language))})


def told_apart(letters: Mapping[str, Letter]) -> dict[str, Letter]:
    """Leave out letters with a mark that are postures like those of the letters without."""
    shapes = {name: _shape(letter) for name, letter in letters.items()}
    kept = {}
    for name, letter in letters.items():
        base = plain(name)
        alike = (
            base != name and base in letters and np.linalg.norm(shapes[name] - shapes[base], axis=-1).mean() < _ALIKE
        )
        if letter.moves or not alike:
            kept[name] = letter
    return kept


def plain(letter: str) -> str:
    """Take the mark off a letter: č is c.

    >>> plain("č"), plain("c")
    ('c', 'c')
    """
    decomposed = unicodedata.normalize("NFD", letter)[0]
    return "\N{CYRILLIC SMALL LETTER GHE}" if letter == "\N{CYRILLIC SMALL LETTER GHE WITH UPTURN}" else decomposed


def _shape(letter: Letter) -> NDArray[np.float64]:
    """The hand from its wrist, (21, 3), in hand sizes; depth, which is known least, counts half."""
    hand = body.joints_from(letter.posture)[0, RIGHT_HAND]
    hand = hand - hand[:1]
    return np.asarray(hand * np.array([1.0, 1.0, 0.5]) / np.sqrt(np.mean(np.sum(hand[1:] ** 2, axis=-1))))


def clean(clips: Sequence[Clip]) -> list[Letter]:
    """Make the clips of an alphabet consistent: constant bone lengths, plausible depth, no jitter, trimmed."""
    scale = clip_scale(clips)
    hands, arms, noses = zip(*(_smoothed(clip, scale) for clip in clips), strict=True)
    hand = _hand(np.concatenate(hands))
    upper_arm, forearm = _arm(np.concatenate(arms))
    axes = body.palm_axes(hand)
    whole = Postures(
        nose=unit(np.concatenate(noses)),
        upper_arm=upper_arm,
        forearm=forearm,
        palm=body.forearm_axes(forearm).transpose(0, 2, 1) @ axes,
        fingers=body.limb_directions(hand) @ axes,
    )
    ends = np.cumsum([len(clip.nose) for clip in clips])
    return [_trimmed(clip, whole[end - len(clip.nose) : end]) for clip, end in zip(clips, ends, strict=True)]


def still_frames(clip: Clip) -> tuple[int, int]:
    """Find the longest run of frames in which the hand hardly moves: its first frame, and the one after its last."""
    speed = hand_speed(clip)
    best = (0, 0)
    start = None
    for frame, still in enumerate([*(speed < STILL), False]):
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
    movement = moved_frames(clip)
    moves = movement is not None
    frames = movement or still_frames(clip)
    core = whole[slice(*frames)]
    return Letter(
        letter=clip.letter,
        whole=whole,
        core=core,
        core_frames=frames,
        posture=core[:1] if moves else average(core),
        moves=moves,
    )


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What brings the clips of an alphabet to the unit and the size of the body here.

    Depths are pixels per unit of depth; ``hand_size`` is a factor for hands: those of the ASL clips have the body's
    size.
    """

    hand_depth: float = HAND_DEPTH
    arm_depth: float = ARM_DEPTH
    hand_size: float = 1.0


def clip_scale(clips: Sequence[Clip]) -> Scale:
    """Find the scale of an alphabet: fixed for ASL, else by `depth.measure_depth` and the hands' median length."""
    if clips[0].language == "ase":
        return Scale()
    hand, arm = measure_depth(clips)
    seen = np.median([_largest_bones(clip.hand / _UNIT) for clip in clips])
    return Scale(hand_depth=hand.factor, arm_depth=arm.factor, hand_size=_ASL_LARGEST_BONES / float(seen))


def _smoothed(clip: Clip, scale: Scale) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Hand (from its wrist, as large as the body's), arm (ending in the hand's wrist) and nose, in our units."""
    sigma = 0.6 if moved_frames(clip) else 0.9
    hand = _smooth(clip.hand * np.array([1.0, 1.0, scale.hand_depth]) / _UNIT, sigma)
    arm = _smooth(clip.arm * np.array([1.0, 1.0, scale.arm_depth]) / _UNIT, 2 * sigma)
    nose = _smooth(clip.nose * np.array([1.0, 1.0, scale.arm_depth]) / _UNIT, 2 * sigma)

    arm[:, 2, :2] = hand[:, 0, :2]
    arm[:, 2, 2] -= arm[:, 0, 2]
    arm[:, 0] = body.SHOULDER
    hand = (hand - hand[:, :1]) * scale.hand_size
    # A hand that is nearer to the camera appears larger: no bone can be longer than it is.
    nearer = max(1.0, _largest_bones(hand))
    return hand / nearer, arm, nose


def _largest_bones(hand: NDArray[np.float64]) -> float:
    """How long a hand's bones look at their longest, as a share of the body's."""
    return float(np.percentile(limb_lengths(hand[..., :2], HAND_LIMBS) / HAND_LENGTHS, 90))


def _arm(arm: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mobility = np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 1.0], [0.02, 0.02, 1.0]])
    points = keep_lengths(arm, ARM_LIMBS, np.array([body.UPPER_ARM_LENGTH, body.FOREARM_LENGTH]), mobility=mobility)
    return unit(points[:, 1] - points[:, 0]), unit(points[:, 2] - points[:, 1])


def _hand(hand: NDArray[np.float64]) -> NDArray[np.float64]:
    mobility = np.tile([0.15, 0.15, 1.0], (21, 1))
    mobility[0] = 0.0
    limbs = (*HAND_LIMBS, *PALM_LIMBS)
    return keep_lengths(hand, limbs, np.concatenate([HAND_LENGTHS, _PALM_LENGTHS]), mobility=mobility)


def _smooth(points: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    return np.asarray(gaussian_filter1d(points, sigma, axis=0, mode="nearest"))
