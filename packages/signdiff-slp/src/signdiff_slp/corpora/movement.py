"""Find the letters that are movements.

A hand arrives, spells and leaves. It has arrived when it first slows down. What it does from there until it stands
still is the letter's movement, if it is long enough: j draws its hook, umlauts and carons are drawn or shaken. The way
is that of the hand's middle; where only fingers move, this finds nothing. On the ASL alphabet it finds j and z alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.ndimage import gaussian_filter1d

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from signdiff_slp.corpora.clips import Clip

STILL: Final = 4.0
"""Pixels a frame below which a hand stands still."""

MOVED: Final = {"j": (4, 15), "z": (0, 12)}
"""ASL letters whose movement is the letter, and the frames of their clips in which it happens, found by eye."""

_ARRIVED: Final = 32.0
_SHORTEST_WAY: Final = 55.0
_SHORTEST_WAY_UNSEEN: Final = 80.0


def moved_frames(clip: Clip) -> tuple[int, int] | None:
    """Tell when a letter is moved: by eye for ASL, else as `find_movement` finds.

    Returns:
        The first frame of the movement, and the one after its last; ``None`` if the letter is a posture.
    """
    return MOVED.get(clip.letter) if clip.language == "ase" else find_movement(clip)


def hand_speed(clip: Clip) -> NDArray[np.float64]:
    """Measure how fast the hand's middle goes, (T,) in pixels a frame."""
    middle = gaussian_filter1d(clip.hand[..., :2].mean(axis=1), 0.5, axis=0)
    return np.asarray(np.linalg.norm(np.gradient(middle, axis=0), axis=-1))


def find_movement(clip: Clip) -> tuple[int, int] | None:
    """Find the movement of a letter, result as of `moved_frames`."""
    speed = hand_speed(clip)
    slow = _slow_downs(speed)
    start = slow[0] if slow else 0
    still = [frame for frame in range(start, len(speed) - 1) if max(speed[frame], speed[frame + 1]) < STILL]
    # A hand that never stands still leaves from where it last slows down.
    end = still[0] if still else max(slow, default=start)
    # Where the clip does not show how the hand arrives, the end of its way may look like a movement.
    arrives = start > 0 and speed[: start + 1].max() > _ARRIVED
    way = float(speed[start:end].sum())
    return (start, end) if way >= (_SHORTEST_WAY if arrives else _SHORTEST_WAY_UNSEEN) else None


def _slow_downs(speed: NDArray[np.float64]) -> list[int]:
    return [
        frame
        for frame in range(1, len(speed) - 1)
        if speed[frame] < _ARRIVED and speed[frame - 1] > speed[frame] <= speed[frame + 1]
    ]
