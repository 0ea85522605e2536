"""Still letters of words that no model was trained on, and where their hand is in a frame of 512 pixels.

Shared by benchmarks/legibility.py and benchmarks/letter_reader.py. A letter is shown by the middle frame of its hold.
Letters that are movements, such as j and z of ASL, are left out: one picture can't show them, and what it shows is
often another letter (j is i with a hook).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from signdiff_core.avatar import Signer, camera_of, fit
from signdiff_core.skeleton import RIGHT_HAND
from signdiff_slp.corpora.letters import load_letters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from signdiff_core.avatar import Motion
    from signdiff_core.camera import Camera
    from signdiff_slp.corpora.languages import SignedLanguage
    from signdiff_slp.corpora.stitch import Spelling

SIZE: Final = 512
"""Side of the frames in which hands are read; smaller ones are enlarged."""

CROP: Final = 112
"""Side of the square around a hand, in pixels of such a frame: an open hand is 115 high."""

LAST_FROM: Final = 50
"""The words that are looked at once are those from here on, of a language's 100 that are held out."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Word:
    """A word, its joints (T, 50, 3) normalised, and its still letters, each with the frame that shows it."""

    language: str
    text: str
    joints: NDArray[np.float32]
    letters: tuple[str, ...]
    frames: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Performed:
    """What the neutral avatar makes of a word: its motion, and the camera of a square frame."""

    motion: Motion
    camera: Camera


def still_letters(language: str) -> list[str]:
    """List the letters of an alphabet that are postures.

    >>> "".join(still_letters("ase"))
    'abcdefghiklmnopqrstuvwxy'
    """
    return [name for name, letter in load_letters(language=language).items() if not letter.moves]


def as_word(spelling: Spelling, language: str) -> Word:
    """Take the still letters out of a spelled text."""
    still = set(still_letters(language))
    holds = [hold for hold in spelling.holds if hold.letter in still]
    return Word(
        language=language,
        text=spelling.text,
        joints=spelling.joints,
        letters=tuple(hold.letter for hold in holds),
        frames=tuple((hold.start + hold.end) // 2 for hold in holds),
    )


def chosen_words(language: SignedLanguage, which: str, count: int, *, seed: int = 0) -> list[Word]:
    """Take held-out words, those for choices ("steering") or those that are looked at once ("last").

    No word is in both, whatever the count. A ``ValueError`` says if there are not as many.
    """
    from fingerspelling import held_out_words

    if not 1 <= count <= LAST_FROM:
        raise ValueError(f"words must be 1 to {LAST_FROM} a language, but are {count}.")
    first = {"steering": 0, "last": LAST_FROM}[which]
    # Of ASL alone, words are timed as in its own corpus: those of the bundled model's tables.
    held_out = held_out_words(seed, None if language.code == "ase" else language)
    return [as_word(spelling, language.code) for spelling in held_out[first : first + count]]


def perform(word: Word, *, size: int = SIZE) -> Performed:
    """Let the neutral avatar perform a word, all of it: what a hold looks like depends on what is around it."""
    confidence = np.ones(word.joints.shape[:2], dtype=np.float32)
    motion = fit(Signer.neutral().avatar(), word.joints, confidence)
    return Performed(motion=motion, camera=camera_of(motion, confidence, width=size, height=size))


def hand_place(joints: NDArray[np.floating], camera: Camera) -> tuple[int, int]:
    """Give the middle of the right hand of joints (50, 3), normalised, in pixels of a frame of 512."""
    points = camera.project(joints[RIGHT_HAND], SIZE)
    x, y = np.rint((points.min(axis=0) + points.max(axis=0)) / 2).astype(int).tolist()
    return x, y


def cut(frame: NDArray[np.uint8], place: tuple[int, int], *, side: int = CROP) -> NDArray[np.uint8]:
    """Cut a square (side, side, 3) around a place out of a frame; beyond its edge, the edge goes on.

    >>> cut(np.arange(12, dtype=np.uint8).reshape(2, 2, 3), (0, 0), side=2)[..., 0].tolist()
    [[0, 0], [0, 0]]
    """
    (x, y), half = place, side // 2
    rows = np.clip(np.arange(y - half, y - half + side), 0, frame.shape[0] - 1)
    columns = np.clip(np.arange(x - half, x - half + side), 0, frame.shape[1] - 1)
    return frame[np.ix_(rows, columns)]
