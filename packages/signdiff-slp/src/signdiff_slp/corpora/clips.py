"""Read the fingerspelling clips of `spoken-to-signed` as arrays on our joints, and find those that are movements.

The clips are MediaPipe Holistic detections, for most languages of one signer: one clip a letter, in a frame of 500x500
with the shoulders 200 apart; those of American Sign Language (ASL) have 25 frames per second, and so do others when
they are read. Depth is still in MediaPipe's own unit; `depth` makes it one with width and height.
"""

from __future__ import annotations

import csv
import importlib.util
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from signdiff_core import formats
from signdiff_core.checks import check_name
from signdiff_core.formats.files import iter_lines
from signdiff_core.rates import same_rate
from signdiff_slp.corpora.filling import fill_track, resample
from signdiff_slp.corpora.languages import find_language

CLIP_FPS: Final = 25.0
"""Frames per second of the clips, and of everything that is stitched from them."""

SHOULDERS_APART: Final = 200.0
"""Distance between the shoulders in the clips, in pixels."""

ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz"
"""The letters that the clips of ASL spell."""

_ARM: Final = ("SHOULDER", "ELBOW", "WRIST")

STILL: Final = 4.0
"""Pixels a frame below which a hand stands still."""

MOVED: Final = {"j": (4, 15), "z": (0, 12)}
"""ASL letters whose movement is the letter, and the frames of their clips in which it happens, found by eye."""

_ARRIVED: Final = 32.0
_SHORTEST_WAY: Final = 55.0
_SHORTEST_WAY_UNSEEN: Final = 80.0


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One letter as it was detected. Pixels with the point between the shoulders as origin; y points down.

    ``arm`` (T, 3, 3) is right shoulder, elbow and wrist, with confidences (T, 3) in [0, 1]; ``hand`` (T, 21, 3) the
    right one. Depth, the last axis, is in MediaPipe's unit, smaller is nearer, and in a hand relative to its wrist.
    """

    letter: str
    nose: NDArray[np.float64]
    arm: NDArray[np.float64]
    arm_confidence: NDArray[np.float64]
    hand: NDArray[np.float64]
    language: str = "ase"


def lexicon_folder() -> Path:
    """Find the fingerspelling clips of `spoken-to-signed`; a ``ModuleNotFoundError`` if it is not installed."""
    spec = importlib.util.find_spec("spoken_to_signed")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(
            "the fingerspelling clips need spoken-to-signed: pip install 'signdiff-slp[corpora]'."
        )
    return Path(next(iter(spec.submodule_search_locations))) / "assets" / "fingerspelling_lexicon"


def read_clips(folder: Path | None = None, *, language: str = "ase") -> list[Clip]:
    """Read the letters of an alphabet, one clip a letter, in alphabetical order. A left-handed signer is mirrored.

    Signs of several letters, such as the German SCH, are passed over: they are spelled letter by letter. ``folder``
    holds ``index.csv``; it is that of the installed `spoken-to-signed` if not given. A ``ValueError`` says if ASL
    letters are missing in it, or all of another language; or if the index or a clip is broken.
    """
    folder = lexicon_folder() if folder is None else folder
    paths = {}
    for number, word, path in _rows(folder / "index.csv", language):
        check_name(path, f"{folder / 'index.csv'}:{number}: path")
        paths[unicodedata.normalize("NFC", word.lower())] = path
    letters = sorted(letter for letter in paths if len(letter) == 1)
    if language == "ase":
        letters = list(ALPHABET)
        missing = [letter for letter in ALPHABET if letter not in paths]
        if missing:
            raise ValueError(f"folder must hold a clip of every ASL letter, but {folder} lacks {', '.join(missing)}.")
    elif not letters:
        raise ValueError(f"folder must hold clips of the language {language}, but {folder} holds none.")
    side = "LEFT" if find_language(language).left_handed else "RIGHT"
    return [_read_clip(letter, folder / paths[letter], language, side) for letter in letters]


def _rows(index: Path, language: str) -> Iterator[tuple[int, str, str]]:
    """Line, word and path of what an index lists in a language."""
    rows = csv.DictReader(iter_lines(index))
    wanted = ("words", "path", "signed_language")
    try:
        if missing := [column for column in wanted if column not in (rows.fieldnames or ())]:
            raise ValueError(f"{index}:1 must name the columns {', '.join(wanted)}, but lacks {', '.join(missing)}.")
        for row in rows:
            if row["signed_language"] == language:
                yield rows.line_num, row["words"], row["path"]
    except csv.Error as error:
        raise ValueError(f"{index}:{rows.line_num} must be of a table divided by commas, but {error}.") from error


def _read_clip(letter: str, path: Path, language: str, side: str) -> Clip:
    pose = formats.read(path, format="pose")
    fps = float(pose.body.fps)
    if language == "ase" and not same_rate(fps, CLIP_FPS):
        raise ValueError(f"{path} must have {CLIP_FPS} frames per second, but has {fps}.")
    data = np.ma.filled(pose.body.data[:, 0], np.nan).astype(np.float64)
    confidence = np.asarray(pose.body.confidence[:, 0], dtype=np.float64)
    starts = {}
    start = 0
    for component in pose.header.components:
        starts[component.name] = (start, list(component.points))
        start += len(component.points)

    body_start, body_points = starts["POSE_LANDMARKS"]
    hand_start, hand_points = starts[f"{side}_HAND_LANDMARKS"]
    body = {name: body_start + index for index, name in enumerate(body_points)}
    arm = [body[f"{side}_{name}"] for name in _ARM]
    seen: NDArray[np.bool_] = np.asarray(np.isfinite(data[:, hand_start]).all(axis=-1))
    for point in range(hand_start, hand_start + len(hand_points)):
        fill_track(data[:, point], seen)
    shoulders = data[:, [body["LEFT_SHOULDER"], body["RIGHT_SHOULDER"]]]
    neck = shoulders.mean(axis=1, keepdims=True)
    hand = data[:, hand_start : hand_start + len(hand_points)]
    hand_depth = hand[..., 2:] - hand[:, :1, 2:]
    hand = np.concatenate([hand[..., :2] - neck[..., :2], hand_depth], axis=-1)
    nose, limbs = data[:, body["NOSE"]] - neck[:, 0], data[:, arm] - neck
    if side == "LEFT":
        mirror = np.array([-1.0, 1.0, 1.0])
        nose, limbs, hand = nose * mirror, limbs * mirror, hand * mirror
    return Clip(
        letter=letter,
        nose=resample(nose, fps, CLIP_FPS),
        arm=resample(limbs, fps, CLIP_FPS),
        arm_confidence=resample(confidence[:, arm], fps, CLIP_FPS),
        hand=resample(hand, fps, CLIP_FPS),
        language=language,
    )


def moved_frames(clip: Clip) -> tuple[int, int] | None:
    """Tell when a letter is moved, by eye for ASL, else as `find_movement` finds; ``None`` if it is a posture.

    A hand arrives, spells and leaves. It has arrived when it first slows down. What it does from there until it stands
    still is the letter's movement, if it is long enough: j draws its hook, umlauts and carons are drawn or shaken. The
    way is that of the hand's middle; where only fingers move, this finds nothing. In ASL it finds j and z alone.
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
