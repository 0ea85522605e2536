"""Joints that are absent in some frames: short gaps are filled, long ones held or hidden, and all of it is told."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from signdiff_core import skeleton
from signdiff_core.skeleton import BODY, BODY_HANDS_FACE, HEAD, LEFT_HAND, NOSE, RIGHT_HAND

if TYPE_CHECKING:  # pose_format is heavy to import
    from pose_format import Pose

Array = NDArray[np.float64]
Missing = Literal["hold", "hide"]
"""What becomes of long gaps: joints stay where they were seen last, or are not there."""

_SHORT: Final = 0.25
"""Longest gap that is filled, in seconds; a hold ends by a way as long as this to where the joint is seen again."""

_ARMS: Final = (
    (LEFT_HAND, skeleton.LEFT_WRIST, skeleton.LEFT_ELBOW, "the left hand"),
    (RIGHT_HAND, skeleton.RIGHT_WRIST, skeleton.RIGHT_ELBOW, "the right hand"),
)


class MissingJointsWarning(UserWarning):
    """A pose lacks joints in some frames, and what is drawn there was not seen."""


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A pose whose gaps were dealt with.

    Attributes:
        joints: (T, 50, 3) float32 normalised coordinates, gaps filled or held; (T, 124, 3) where the face is included.
        confidence: (T, 50) or (T, 124) float32; 0 where no frame has the joint.
        hidden: (T, 50) or (T, 124) joints that are not to be shown.
        frames: how many frames there are.
        nobody: in how many of them nobody is seen.
        filled: for each part, in how many frames a short gap was filled.
        long: for each part, in how many frames a gap is too long for that.
        missing: what became of these.
    """

    joints: NDArray[np.float32]
    confidence: NDArray[np.float32]
    hidden: NDArray[np.bool_]
    frames: int
    nobody: int
    filled: dict[str, int]
    long: dict[str, int]
    missing: Missing

    @property
    def seen(self) -> NDArray[np.float32]:
        """The confidence of what is to be shown: (T, 50 or 124), 0 where a joint is hidden, too."""
        return np.where(self.hidden, 0, self.confidence).astype(np.float32)

    @property
    def shown(self) -> NDArray[np.bool_]:
        """In which frames there is something to be shown: (T,)."""
        return np.asarray((self.seen > 0).any(axis=1))

    @property
    def told(self) -> str:
        """What was done, in a sentence; empty if nothing was."""
        what = "held" if self.missing == "hold" else "hidden"
        parts = [f"{self.nobody} of {self.frames} frames show nobody"] if self.nobody else []
        for part in dict.fromkeys([*self.filled, *self.long]):
            short, long = self.filled.get(part, 0), self.long.get(part, 0)
            done = [f"filled in {short}"] if short else []
            done += [f"{what} in {long}"] if long else []
            parts.append(f"joints of {part} are absent in {short + long} of {self.frames}: {' and '.join(done)}")
        return "; ".join(parts)


def fill_gaps(pose: Pose, missing: Missing = "hold", *, include_face: bool = False) -> Filled:
    """Deal with the joints that a pose lacks in some frames, as all renderers do.

    Gaps of at most a quarter of a second between two frames that have the joint are filled by what lies between. In
    longer ones, and before the first frame and after the last one that has it, a joint is held where it was seen, or
    hidden. Fingers follow their wrist and the direction of the forearm meanwhile, eyes, ears and face the nose. A joint
    that no frame has stays absent. What is done is told by a `MissingJointsWarning`.

    Args:
        pose: a pose of the 50 joints, or of `BODY_HANDS_FACE`, in normalised coordinates.
        missing: "hold" or "hide".
        include_face: give eyes, ears and face, too, as `BODY_HANDS_FACE` has them; all absent if the pose has none.

    Raises:
        ValueError: ``missing`` is neither, or the pose has another skeleton.

    Example:
        >>> confidence = np.ones((60, 50))
        >>> confidence[10:14] = 0
        >>> confidence[30:50, 29:] = 0
        >>> pose = skeleton.make_pose(np.zeros((60, 50, 3)), 25, confidence=confidence)
        >>> with warnings.catch_warnings(record=True) as told:
        ...     warnings.simplefilter("always")
        ...     filled = fill_gaps(pose)
        >>> for part in str(told[0].message).split("; "):
        ...     print(part)
        4 of 60 frames show nobody
        joints of the body are absent in 4 of 60: filled in 4
        joints of the left hand are absent in 4 of 60: filled in 4
        joints of the right hand are absent in 24 of 60: filled in 4 and held in 20.
    """
    if missing not in get_args(Missing):
        raise ValueError(f"missing must be {' or '.join(map(repr, get_args(Missing)))}, but is {missing!r}.")
    joints, confidence = skeleton.joints_of(pose)
    if include_face:
        wanted = (len(joints), BODY_HANDS_FACE.num_joints - skeleton.NUM_JOINTS)
        face = skeleton.face_of(pose) or (np.zeros((*wanted, 3), np.float32), np.zeros(wanted, np.float32))
        joints, confidence = (np.concatenate(both, axis=1) for both in zip((joints, confidence), face, strict=True))
    filled = _filled(joints, confidence, max(1, round(_SHORT * float(pose.body.fps))), missing)
    if filled.told:
        warnings.warn(f"{filled.told}.", MissingJointsWarning, stacklevel=3)
    return filled


def _filled(joints: NDArray[np.float32], confidence: NDArray[np.float32], short: int, missing: Missing) -> Filled:
    present = confidence > 0
    lacking = present.any(axis=0) & ~present.all(axis=0)
    ways = {joint: _way(present[:, joint], short) for joint in np.flatnonzero(lacking).tolist()}
    places, seen = np.where(present[..., None], joints, 0).astype(np.float64), confidence.copy()
    for joint in [joint for joint in ways if joint < BODY.stop]:
        places[:, joint] = ways[joint].between(places[:, joint])
    for hand, wrist, elbow, _ in _ARMS:
        own = [joint for joint in ways if hand.start <= joint < hand.stop]
        if own and present[:, [wrist, elbow]].any(axis=0).all():
            forearm = places[:, wrist] - places[:, elbow]
            for joint in own:
                offset = places[:, joint] - places[:, wrist]
                places[:, joint] = places[:, wrist] + ways[joint].between(offset, forearm)
        else:
            for joint in own:
                places[:, joint] = ways[joint].between(places[:, joint])
    for joint in [joint for joint in ways if joint >= HEAD.start]:
        places[:, joint] = places[:, NOSE] + ways[joint].between(places[:, joint] - places[:, NOSE])
    hidden = np.zeros_like(present)
    for joint, way in ways.items():
        gap = ~present[:, joint]
        seen[gap, joint] = ((1 - way.share) * confidence[way.before, joint] + way.share * confidence[way.after, joint])[
            gap
        ]
        hidden[:, joint] = gap & ~way.is_short & (missing == "hide")
    return Filled(
        joints=np.where(present[..., None], joints, places).astype(np.float32),
        confidence=seen,
        hidden=hidden,
        frames=len(joints),
        nobody=int((~present.any(axis=1)).sum()),
        filled=_counted({joint: ~present[:, joint] & way.is_short for joint, way in ways.items()}),
        long=_counted({joint: ~present[:, joint] & ~way.is_short for joint, way in ways.items()}),
        missing=missing,
    )


@dataclass(frozen=True)
class _Way:
    """Where a joint comes from in each frame: between which two frames that have it, and how far on."""

    before: NDArray[np.intp]
    after: NDArray[np.intp]
    share: Array
    """0 in the frame before, 1 in the one after."""

    is_short: NDArray[np.bool_]
    """Whether the gap is short, or there is none."""

    def between(self, values: Array, direction: Array | None = None) -> Array:
        """Give values (T, 3) from both ends; with a direction (T, 3), they turn as that turns."""
        ends = [values[self.before], values[self.after]]
        if direction is not None:
            ends = [
                _turned(end, direction[n], direction) for end, n in zip(ends, (self.before, self.after), strict=True)
            ]
        return (1 - self.share)[:, None] * ends[0] + self.share[:, None] * ends[1]


def _way(present: NDArray[np.bool_], short: int) -> _Way:
    T, frames = len(present), np.flatnonzero(present)
    numbers = np.arange(T)
    place = np.searchsorted(frames, numbers, side="right")
    before, after = frames[np.maximum(place - 1, 0)], frames[np.minimum(place - present, len(frames) - 1)]
    length = after - before - 1
    inside = (before < numbers) & (numbers < after)
    is_short = present | inside & (length <= short)
    # A gap that is long is held, and ends by a way of `short` frames.
    steps = np.clip(length, 0, short) + 1
    share = np.where(inside, np.clip(1 - (after - numbers) / steps, 0, 1), 0.0)
    return _Way(before, after, share, is_short)


def _turned(values: Array, start: Array, end: Array) -> Array:
    """Turn values (T, 3) by the shortest rotations from one direction (T, 3) to another; directions of 0 turn none."""
    lengths = np.linalg.norm(start, axis=1) * np.linalg.norm(end, axis=1)
    usable = lengths > 1e-9
    scale = np.where(usable, lengths, 1.0)[:, None]
    axis, cosine = np.cross(start, end) / scale, (start * end).sum(axis=1, keepdims=True) / scale
    turned = values * cosine + np.cross(axis, values)
    turned = turned + axis * (axis * values).sum(axis=1, keepdims=True) / np.maximum(1 + cosine, 1e-6)
    # Where a forearm comes to point the other way, no rotation is the shortest.
    return np.where((usable & (cosine[:, 0] > -0.99))[:, None], turned, values)


def _counted(gaps: dict[int, NDArray[np.bool_]]) -> dict[str, int]:
    """Count, for each part, the frames in which one of its joints has a gap."""
    counts = {}
    face = slice(HEAD.start, BODY_HANDS_FACE.num_joints)
    for name, part in (("the body", BODY), *((name, hand) for hand, _, _, name in _ARMS), ("the face", face)):
        own = [gap for joint, gap in gaps.items() if part.start <= joint < part.stop]
        if own and (frames := int(np.any(own, axis=0).sum())):
            counts[name] = frames
    return counts
