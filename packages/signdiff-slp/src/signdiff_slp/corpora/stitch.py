"""Spell words: letters joined into one continuous movement, as a fluent speller makes it.

The hand rises from rest to a steady place beside the shoulder, takes on one letter after another there, and sinks back.

- Every letter is held for some frames; j and z are moved instead. The last letter is held longer.
- Between letters every bone turns on the shortest arc with minimum jerk; bones keep their lengths (`body`).
- The place is steady: of where a letter's clip was recorded, only a part is kept, so that words do not jump.
- The second of two equal letters slides aside with a small bounce (j and z are moved twice). At a space, the hand
  sinks part of the way to rest.
- A word has a tempo of its own; single holds and transitions vary by at most one frame.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_slp.corpora import body
from signdiff_slp.corpora.body import Postures, concatenate, wrists
from signdiff_slp.corpora.clips import ALPHABET
from signdiff_slp.corpora.letters import average, load_letters
from signdiff_slp.corpora.read import Hold

REST_FRAMES: Final = 2
"""Frames of rest before and after."""

RISE_FRAMES: Final = 12
"""Frames from rest to the first letter."""

SINK_FRAMES: Final = 12
"""Frames from the last letter to rest."""

HOLD_FRAMES: Final = 4
LAST_HOLD_FRAMES: Final = 7
TRANSITION_FRAMES: Final = 5
FAR_TRANSITION_FRAMES: Final = 6
SPACE_FRAMES: Final = 2

_FAR: Final = 0.12
_OWN_PLACE: Final = 0.4
_SLIDE: Final = np.array([-0.06, 0.0, 0.0])
_BOUNCE: Final = np.array([0.0, -0.02, 0.012])
_SINK_AT_SPACE: Final = 0.3
_TEMPO_SPREAD: Final = 0.06
_TEMPO_RANGE: Final = (0.85, 1.2)
_JITTER: Final = 0.15
_UPRIGHT: Final = "abcdefilmnostuvwxy"


@dataclass(frozen=True, kw_only=True)
class Spelling:
    """A text of letters and single spaces, spelled, with a hold for every letter, in order.

    ``joints`` are (T, 50, 3) normalised coordinates, float32, 25 frames per second; they start and end at rest.
    """

    text: str
    joints: NDArray[np.float32]
    holds: tuple[Hold, ...]


def spell(text: str, *, rng: np.random.Generator | None = None, language: str = "ase") -> Spelling:
    """Spell a text: letters of the alphabet, in ASL a to z, and single spaces; a ``ValueError`` if it holds others.

    ``rng`` varies tempo, holds and transitions; without it every duration is the usual one.

    >>> [(hold.letter, hold.start, hold.end) for hold in spell("ab").holds]
    [('a', 14, 18), ('b', 24, 31)]
    """
    letters = load_letters(language=language)
    if not all(word and set(word) <= letters.keys() for word in text.split(" ")):
        known = "a to z" if list(letters) == list(ALPHABET) else "".join(letters)
        raise ValueError(f"text must be words of the letters {known} with single spaces between them, but is {text!r}.")
    timing = _Timing(rng)
    parts: list[Postures] = [body.rest().repeated(REST_FRAMES)]
    holds: list[Hold] = []
    before = ""
    slid = False
    for index, letter in enumerate(text):
        if letter == " ":
            pause = _pause(language)
            parts += [
                _join(parts[-1], pause, timing.frames(FAR_TRANSITION_FRAMES)),
                _still(pause, timing, SPACE_FRAMES),
            ]
        else:
            slid = letter == before and not slid and not letters[letter].moves
            placed = _placed(letter, language)
            made = _with_wrist(placed, wrists(placed) + _SLIDE, language) if slid else placed
            far = before in ("", " ") or _distance(before, letter, language) > _FAR
            parts.append(
                _approach(parts[-1], made, before=before, letter=letter, far=far, timing=timing, language=language)
            )
            start = sum(map(len, parts))
            last = index == len(text) - 1
            parts.append(_held(made, timing, last=last))
            holds.append(Hold(letter=letter, start=start, end=start + len(parts[-1])))
            if last and len(made) > 1:
                parts.append(_still(made[-1:], timing, LAST_HOLD_FRAMES - HOLD_FRAMES))
        before = letter
    parts += [_join(parts[-1], body.rest(), timing.frames(SINK_FRAMES)), body.rest().repeated(REST_FRAMES)]
    return Spelling(text=text, joints=body.joints_from(concatenate(parts)).astype(np.float32), holds=tuple(holds))


class _Timing:
    """Durations of one word: a tempo of its own, and now and then a frame more or less."""

    def __init__(self, rng: np.random.Generator | None) -> None:
        self._rng = rng
        self._tempo = 1.0 if rng is None else float(np.clip(np.exp(rng.normal(0, _TEMPO_SPREAD)), *_TEMPO_RANGE))

    def frames(self, usual: int, *, varied: bool = True) -> int:
        shift = 0
        if self._rng is not None and varied and self._rng.random() < _JITTER:
            shift = int(self._rng.choice((-1, 1)))
        return max(1, round(usual * self._tempo) + shift)


def _approach(
    now: Postures, made: Postures, *, before: str, letter: str, far: bool, timing: _Timing, language: str
) -> Postures:
    if not before:
        return _join(now, made, timing.frames(RISE_FRAMES))
    if before == letter:
        frames = timing.frames(TRANSITION_FRAMES)
        joined = _join(now, made, frames)
        shares = np.arange(1, frames + 1) / (frames + 1)
        return _with_wrist(joined, wrists(joined) + np.sin(np.pi * shares)[:, None] ** 2 * _BOUNCE, language)
    return _join(now, made, timing.frames(FAR_TRANSITION_FRAMES if far else TRANSITION_FRAMES))


def _join(now: Postures, then: Postures, frames: int) -> Postures:
    return body.between(now[-1:], then[:1], body.minimum_jerk(frames))


def _still(posture: Postures, timing: _Timing, usual: int) -> Postures:
    return posture.repeated(timing.frames(usual))


def _held(made: Postures, timing: _Timing, *, last: bool) -> Postures:
    if len(made) == 1:
        return _still(made, timing, LAST_HOLD_FRAMES if last else HOLD_FRAMES)
    return _resample(made, timing.frames(len(made), varied=False))


def _resample(postures: Postures, frames: int) -> Postures:
    times = np.linspace(0, len(postures) - 1, frames)
    before = np.minimum(times.astype(int), len(postures) - 2)
    return concatenate(
        body.between(postures[a : a + 1], postures[a + 1 : a + 2], np.array([time - a]))
        for a, time in zip(before, times, strict=True)
    )


@cache
def _place(language: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where letters are made: (3,) wrist and (3,) elbow from the shoulder, medians over the alphabet."""
    postures = concatenate(letter.posture for letter in load_letters(language=language).values())
    return np.median(wrists(postures), axis=0), np.median(body.UPPER_ARM_LENGTH * postures.upper_arm, axis=0)


@cache
def _placed(letter: str, language: str) -> Postures:
    """A letter at the place of spelling: one frame, or the frames of its movement."""
    source = load_letters(language=language)[letter]
    postures = source.core if source.moves else source.posture
    place, _ = _place(language)
    own = wrists(postures)
    return _with_wrist(postures, place + _OWN_PLACE * (own[:1] - place) + (own - own[:1]), language)


def _with_wrist(postures: Postures, wrist: NDArray[np.float64], language: str) -> Postures:
    _, elbow = _place(language)
    hint = np.broadcast_to(elbow, wrist.shape)
    upper_arm, forearm = body.reach(wrist, hint, body.UPPER_ARM_LENGTH, body.FOREARM_LENGTH)
    # The hand keeps its direction in space: turned along with the forearm, v would look like u.
    palm = body.forearm_axes(forearm).transpose(0, 2, 1) @ body.forearm_axes(postures.forearm) @ postures.palm
    return replace(postures, upper_arm=upper_arm, forearm=forearm, palm=palm)


@cache
def _pause(language: str) -> Postures:
    """The hand between two words: relaxed, part of the way to rest."""
    letters = load_letters(language=language)
    still = [letter for letter, made in letters.items() if not made.moves]
    upright = average(concatenate(_placed(letter, language) for letter in (_UPRIGHT if language == "ase" else still)))
    ready = replace(upright, fingers=body.relaxed_fingers()[None])
    return body.between(ready, body.rest(), np.array([_SINK_AT_SPACE]))


@cache
def _distance(before: str, letter: str, language: str) -> float:
    ends = concatenate([_placed(before, language)[-1:], _placed(letter, language)[:1]])
    joints = body.joints_from(ends)
    return float(np.linalg.norm(joints[1] - joints[0], axis=-1).max())
