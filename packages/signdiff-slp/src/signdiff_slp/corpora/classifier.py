"""Read letters off hands: the nearest of the real clips.

The gallery is the alphabet as it was recorded: every frame of a letter's still hand, straight from the detector, with
depth scaled but nothing smoothed, moved, or put on other bones. A hand is compared by its joints relative to its wrist,
scaled to a common size; its orientation counts (p is k, q is g, turned down).

Letters that are movements are compared as movements: a hold is cut into `MOMENTS` equal steps, and so is the recorded
movement (in ASL of j and z), and the wrist's way since the first step is a part of the features. A still letter is the
same hand at every step. The first and the last step are left out: alignment puts borders a frame early or late.

There is one recording a letter. So the score says whether a letter is still the one that was recorded; what a reader of
other signers would make of it, it can't say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core.skeleton import RIGHT_HAND, RIGHT_WRIST
from signdiff_slp.corpora.clips import SHOULDERS_APART, Clip, moved_frames, read_clips
from signdiff_slp.corpora.letters import clip_scale, still_frames

MOMENTS: Final = 8
"""Steps that a hold is cut into."""

_UNIT: Final = 3 * SHOULDERS_APART
_WEIGHTS: Final = np.array([1.0, 1.0, 0.5])


class LetterClassifier:
    """Nearest neighbour among recorded letters of one alphabet; that of ASL if no clips are given.

    >>> from signdiff_slp.corpora.stitch import spell
    >>> spelling = spell("hi")
    >>> classifier = LetterClassifier()
    >>> [classifier(spelling.joints[hold.start : hold.end]) for hold in spelling.holds]
    ['h', 'i']
    """

    def __init__(self, clips: Sequence[Clip] | None = None) -> None:
        labels: list[str] = []
        templates: list[NDArray[np.float64]] = []
        clips = read_clips() if clips is None else clips
        depth = clip_scale(clips).hand_depth
        for clip in clips:
            for template in _templates(clip, depth):
                labels.append(clip.letter)
                templates.append(template)
        self._labels = labels
        self._templates = np.stack(templates)

    def __call__(self, joints: NDArray[np.floating]) -> str:
        """Name the letter of a hold, a small one, by its joints (T, 50, 3), normalised coordinates."""
        return self._labels[int(np.argmin(self._distances(joints)))]

    def distances(self, joints: NDArray[np.floating]) -> dict[str, float]:
        """Tell how far a hold is from every letter, arguments as for a call; 1 is the size of a hand."""
        nearest: dict[str, float] = {}
        for letter, distance in zip(self._labels, self._distances(joints), strict=True):
            nearest[letter] = min(nearest.get(letter, np.inf), float(distance))
        return nearest

    def _distances(self, joints: NDArray[np.floating]) -> NDArray[np.float64]:
        exact: NDArray[np.float64] = joints.astype(np.float64)
        query = _moments(_features(exact[:, RIGHT_HAND], exact[:, RIGHT_WRIST]))
        inner = slice(1, -1)
        differences = self._templates[:, inner] - query[None, inner]
        return np.asarray(np.linalg.norm(differences, axis=-1).mean(axis=(1, 2)))


def _templates(clip: Clip, depth: float) -> list[NDArray[np.float64]]:
    hand = clip.hand * np.array([1.0, 1.0, depth]) / _UNIT
    wrist = np.concatenate([hand[:, 0, :2], np.zeros((len(hand), 1))], axis=-1)
    movement = moved_frames(clip)
    if movement is not None:
        frames = slice(*movement)
        return [_moments(_features(hand[frames], wrist[frames]))]
    first, last = still_frames(clip)
    stills = [_features(hand[frame : frame + 1], wrist[frame : frame + 1]) for frame in range(first, last)]
    return [_moments(still) for still in stills]


def _features(hand: NDArray[np.float64], wrist: NDArray[np.float64]) -> NDArray[np.float64]:
    """Joints of the hand from its wrist and the wrist's way since the first frame, (T, 22, 3), in hand sizes."""
    shape = hand - hand[:, :1]
    size = np.sqrt(np.mean(np.sum(shape[:, 1:] ** 2, axis=-1)))
    # Depth is what the detector knows least about: of the hand it counts half, of the wrist's way nothing.
    way = (wrist - wrist[:1]) * np.array([1.0, 1.0, 0.0])
    return np.asarray(np.concatenate([shape, way[:, None]], axis=1) * _WEIGHTS / size)


def _moments(features: NDArray[np.float64]) -> NDArray[np.float64]:
    times = np.linspace(0, len(features) - 1, MOMENTS)
    before = np.floor(times).astype(int)
    after = np.minimum(before + 1, len(features) - 1)
    share = (times - before)[:, None, None]
    return np.asarray((1 - share) * features[before] + share * features[after])
