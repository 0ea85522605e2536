"""How letters are read of hands that a detector has found, and what of all readings is told.

A hand is compared by where the camera sees its joints, from the wrist, in hand sizes (root mean square of their
distances from it); how it is turned counts, since turned down p is k. The nearest of the recorded letters is read:
every still frame of the real clips, as the detector marked them there.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from intervals import Figure, figure

from signdiff_slp.corpora.clips import read_clips
from signdiff_slp.corpora.letters import still_frames

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

READERS = ("detector", "learned")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One letter in one renderer's frame.

    Args:
        language: code of the signed language.
        word: the text that it is of.
        letter: what is signed.
        found: whether the detector sees the hand.
        detector: the letter that is read of the detector's joints; empty where it is not found.
        learned: the letter that the learned reader reads; empty where there is none.
        off: how far the detector's joints are from those in the ceiling's frame, mean in hand sizes; None where one is
            not found.
        ssim_hand: similarity with the ceiling's frame, around the hand.
        ssim: of the whole frame.
    """

    language: str
    word: str
    letter: str
    found: bool
    detector: str
    learned: str
    off: float | None
    ssim_hand: float
    ssim: float


def shape(hands: NDArray[np.floating]) -> NDArray[np.float64]:
    """Bring hands (..., 21, 2) to what does not depend on place and size: (..., 20, 2) from the wrist, in hand sizes.

    >>> hand = np.zeros((21, 2))
    >>> hand[1:] = (3.0, 4.0)
    >>> shape(7 + 2 * hand)[0].tolist()
    [0.6, 0.8]
    """
    seen = np.asarray(hands, dtype=np.float64)
    seen = seen[..., 1:, :] - seen[..., :1, :]
    return np.asarray(seen / np.sqrt((seen**2).sum(axis=-1).mean(axis=-1))[..., None, None])


def distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Measure how far joints of shapes (..., 20, 2) are from each other, mean in hand sizes."""
    return np.asarray(np.linalg.norm(one - other, axis=-1).mean(axis=-1))


class NearestLetter:
    """Names the recorded letter that a hand looks most like.

    Args:
        hands: recorded hands (N, 21, 2).
        letters: of each, which letter it is.
    """

    def __init__(self, hands: NDArray[np.floating], letters: Sequence[str]) -> None:
        self._shapes, self._letters = shape(hands), list(letters)

    @classmethod
    def of(cls, language: str, letters: Iterable[str]) -> NearestLetter:
        """Take some letters of the real clips of a language."""
        wanted, hands, names = set(letters), [], []
        for clip in read_clips(language=language):
            if clip.letter in wanted:
                still = clip.hand[slice(*still_frames(clip)), :, :2]
                hands.append(still)
                names += [clip.letter] * len(still)
        return cls(np.concatenate(hands), names)

    def __call__(self, hand: NDArray[np.floating]) -> str:
        """Read a hand (21, 2), in pixels of any picture."""
        return self._letters[int(distance(self._shapes, shape(hand)).argmin())]


def nearest_hand(hands: NDArray[np.floating], place: tuple[int, int], *, within: float) -> NDArray[np.float64] | None:
    """Choose of hands that were found (H, 21, 2), NaN where not, the one about a place; None if all are farther.

    >>> nearest_hand(np.full((2, 21, 2), np.nan), (5, 5), within=9) is None
    True
    """
    middles = (hands.min(axis=1) + hands.max(axis=1)) / 2
    away = np.nan_to_num(np.linalg.norm(middles - np.array(place), axis=-1), nan=np.inf)
    return np.asarray(hands[away.argmin()], dtype=np.float64) if away.min() <= within else None


@dataclass(frozen=True, kw_only=True)
class Row:
    """What is told of a renderer.

    ``read`` is the share of letters that each reader reads, ``less`` what of it is missing to the ceiling's in the same
    words, ``wrong`` what was misread, most often first, ``letters`` the share of each letter that is read, least first.
    """

    holds: int
    read: dict[str, Figure]
    less: dict[str, Figure]
    found: Figure
    off: Figure | None
    ssim_hand: Figure
    ssim: Figure
    wrong: dict[str, dict[str, int]]
    letters: dict[str, dict[str, float]]

    def content(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        return asdict(self)


def row_of(samples: Sequence[Sample], ceiling: Sequence[Sample]) -> Row:
    """Bring the letters of a renderer, and the same ones of the ceiling, to figures with intervals over words."""
    for one, other in zip(samples, ceiling, strict=True):
        if (one.language, one.word, one.letter) != (other.language, other.word, other.letter):
            raise ValueError(f"ceiling must show the letters of samples, but shows {other.letter} for {one.letter}.")
    groups = [(each.language, each.word) for each in samples]
    readers = [reader for reader in READERS if any(getattr(each, reader) for each in samples)]
    right = {reader: [float(getattr(each, reader) == each.letter) for each in samples] for reader in readers}
    best = {reader: [float(getattr(each, reader) == each.letter) for each in ceiling] for reader in readers}
    known = [(each.off, group) for each, group in zip(samples, groups, strict=True) if each.off is not None]
    return Row(
        holds=len(samples),
        read={reader: figure(values, groups) for reader, values in right.items()},
        less={reader: figure(np.subtract(best[reader], values), groups) for reader, values in right.items()},
        found=figure([float(each.found) for each in samples], groups),
        off=figure(*zip(*known, strict=True)) if known else None,
        ssim_hand=figure([each.ssim_hand for each in samples], groups),
        ssim=figure([each.ssim for each in samples], groups),
        wrong={reader: wrong(samples, reader) for reader in readers},
        letters={reader: by_letter(samples, reader) for reader in readers},
    )


def wrong(samples: Sequence[Sample], reader: str) -> dict[str, int]:
    """Count what is read in place of what is signed, most often first; in one language without its code."""
    several = len({each.language for each in samples}) > 1
    count = Counter(
        f"{f'{each.language} ' if several else ''}{each.letter} read as {getattr(each, reader) or 'nothing'}"
        for each in samples
        if getattr(each, reader) != each.letter
    )
    return dict(count.most_common())


def by_letter(samples: Sequence[Sample], reader: str) -> dict[str, float]:
    """Tell the share that is read of each letter, least first."""
    shown: dict[str, list[bool]] = {}
    for each in samples:
        shown.setdefault(f"{each.language} {each.letter}", []).append(getattr(each, reader) == each.letter)
    shares = {letter: float(np.mean(values)) for letter, values in shown.items()}
    return dict(sorted(shares.items(), key=lambda item: item[1]))
