"""Poses as arrays in which every joint has a place in every frame."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pose_format import Pose

MIN_FPS: Final = 0.001
"""Lowest frame rate that is asked for: a frame in a quarter of an hour."""

MAX_FPS: Final = 1000.0
"""Highest frame rate that is read or resampled to."""

MAX_VALUES: Final = 50_000_000
"""Most numbers of a resampled sequence."""

MAX_COORDINATE: Final = 1e6
"""Largest coordinate, as an absolute value: pixels and metres stay far below, what is read askew does not."""


@dataclass(frozen=True, slots=True)
class PoseSequence:
    """One person's movement.

    Attributes:
        name: where it comes from, for messages.
        joints: (T, J, C) float64 in the units of the file. Where a joint was absent, it lies on a straight line
            between the frames before and after, or where it is nearest in time; NaN if it is absent throughout.
        fps: frames per second.
        skeleton: names of the J joints.
        absent: joints that were absent, counted over all frames.
        clip: the sequence's name within its file, if it holds several.
        limbs: pairs of joints that a drawing connects.
    """

    name: str
    joints: NDArray[np.float64]
    fps: float
    skeleton: tuple[str, ...]
    absent: int
    clip: str = ""
    limbs: tuple[tuple[int, int], ...] = ()

    def resampled(self, fps: float) -> PoseSequence:
        """Change the frame rate by linear interpolation, from the first frame on.

        At half the rate these are exactly the frames 0, 2, 4, ...

        Args:
            fps: frames per second, positive.

        Raises:
            ValueError: that would be more than `MAX_VALUES` numbers.
        """
        if same_rate(fps, self.fps):
            return self
        last = (len(self.joints) - 1) / self.fps
        frames = np.floor(last * fps + 1e-9) + 1
        if not frames * self.joints[0].size <= MAX_VALUES:
            raise ValueError(
                f"{self.name} must have at most {MAX_VALUES} numbers at {fps:g} frames per second, but from "
                f"{self.fps:g} it would have {frames:.6g} frames."
            )
        count = int(frames)
        times = np.arange(count) / fps * self.fps
        before = np.minimum(times.astype(np.intp), len(self.joints) - 1)
        after = np.minimum(before + 1, len(self.joints) - 1)
        weight = (times - before)[:, None, None]
        joints = self.joints[before] * (1 - weight) + self.joints[after] * weight
        return replace(self, joints=joints, fps=fps)


def check_numbers(pose: Pose, name: str) -> None:
    """Make sure that coordinates of present joints, NaN and infinities left aside, can be some; ``name`` is the pose's.

    A ValueError names frame and joint where one is larger than `MAX_COORDINATE`, or a confidence is negative or not
    finite.
    """
    data, confidence = np.ma.filled(np.ma.asarray(pose.body.data), 0), np.ma.filled(pose.body.confidence, 0)
    size = np.where(np.isfinite(data), np.abs(data), 0).max(axis=-1, initial=0)
    if size.shape != confidence.shape:
        raise ValueError(f"{name} must have a confidence for each joint, but has {confidence.shape} for {size.shape}.")
    if not (np.isfinite(confidence) & (confidence >= 0)).all():
        frame, person, joint = np.argwhere(~(np.isfinite(confidence) & (confidence >= 0)))[0]
        raise ValueError(
            f"{name} must have confidences of at least 0, but in frame {frame} joint {joint} has "
            f"{confidence[frame, person, joint]:g}."
        )
    wrong = (size > MAX_COORDINATE) & (confidence > 0)
    if wrong.any():
        frame, _, joint = np.argwhere(wrong)[0]
        raise ValueError(
            f"{name} must have coordinates up to {MAX_COORDINATE:g}, but in frame {frame} joint {joint} has "
            f"{size[wrong][0]:g}."
        )


def sequence_of(pose: Pose, name: str, *, clip: str = "") -> PoseSequence:
    """Take the joints out of a pose.

    Args:
        pose: a pose of one person and any skeleton; a joint is absent where it is masked or its confidence is 0.
        name: where it comes from, for messages.
        clip: the sequence's name within its file, if it holds several.

    Raises:
        ValueError: no frame, not exactly one person, a frame rate that isn't positive, or a joint that is present
            and isn't finite.
    """
    if clip:
        name = f"{name}, {clip},"
    frames, people = pose.body.data.shape[:2]
    if not frames:
        raise ValueError(f"{name} must have at least one frame, but has none.")
    if people != 1:
        raise ValueError(f"{name} must show one person, but shows {people}.")
    if not 0 < pose.body.fps <= MAX_FPS:
        raise ValueError(f"{name} must have a positive frame rate up to {MAX_FPS:g}, but has {pose.body.fps}.")
    joints = np.ma.filled(pose.body.data[:, 0], np.nan).astype(np.float64)
    absent = np.asarray(pose.body.confidence[:, 0]) == 0
    absent |= np.ma.getmaskarray(pose.body.data)[:, 0].any(axis=-1)
    if not np.isfinite(joints[~absent]).all():
        frame, joint = np.argwhere(~np.isfinite(joints).all(axis=-1) & ~absent)[0]
        raise ValueError(f"{name} must be finite where a joint is present, but isn't in frame {frame}, joint {joint}.")
    skeleton = tuple(f"{part.name}.{point}" for part in pose.header.components for point in part.points)
    _fill(joints, absent)
    return PoseSequence(name, joints, float(pose.body.fps), skeleton, int(absent.sum()), clip, _limbs(pose))


def _limbs(pose: Pose) -> tuple[tuple[int, int], ...]:
    limbs: list[tuple[int, int]] = []
    start = 0
    for part in pose.header.components:
        limbs += [(start + int(a), start + int(b)) for a, b in part.limbs]
        start += len(part.points)
    return tuple(limbs)


def _fill(joints: NDArray[np.float64], absent: NDArray[np.bool_]) -> None:
    times = np.arange(len(joints))
    for joint in np.flatnonzero(absent.any(axis=0)):
        gaps = absent[:, joint]
        if gaps.all():
            joints[:, joint] = np.nan
            continue
        for axis in range(joints.shape[2]):
            joints[gaps, joint, axis] = np.interp(times[gaps], times[~gaps], joints[~gaps, joint, axis])


TOLERANCE: Final = 5e-4
"""Rates that differ by less, as a share, are the same: after a minute they are one frame apart at the most.
29.97 and 30, which are 0.1% apart, are two rates."""


def same_rate(left: float, right: float) -> bool:
    """Tell whether two frame rates are the same.

    Example:
        >>> same_rate(30000 / 1001, 29.97), same_rate(29.97, 30)
        (True, False)
    """
    return math.isclose(left, right, rel_tol=TOLERANCE)


def channels_of(skeleton: Sequence[str]) -> dict[str, list[int]]:
    """Sort joints into body, hands and face, by the names of their components.

    Args:
        skeleton: names of joints as in `signdiff_eval.readers.PoseSequence`, such as ``LEFT_HAND_LANDMARKS.WRIST`` or
            ``hand_left_keypoints_2d.BASE``.

    Returns:
        ``body``, ``left_hand``, ``right_hand`` and ``face`` to the indices of their joints. Those that the skeleton
        lacks are left out; eyes and ears in a component of their own, ``HEAD``, belong to the face.

    Example:
        >>> channels_of(["BODY.Nose", "LEFT_HAND.Wrist", "LEFT_HAND.Thumb", "FACE.0"])
        {'body': [0], 'left_hand': [1, 2], 'face': [3]}
    """
    channels: dict[str, list[int]] = {"body": [], "left_hand": [], "right_hand": [], "face": []}
    for index, name in enumerate(skeleton):
        words = set(re.split(r"[^a-z0-9]+", name.partition(".")[0].lower()))
        if "hand" in words:
            for side in ("left", "right"):
                if side in words:
                    channels[f"{side}_hand"].append(index)
        elif words & {"face", "head"}:
            channels["face"].append(index)
        elif "world" not in words:  # MediaPipe's world landmarks are the body again, in other units
            channels["body"].append(index)
    return {name: joints for name, joints in channels.items() if joints}


def wrists_of(skeleton: Sequence[str]) -> tuple[int, int]:
    """Find the left and the right wrist of the body.

    Args:
        skeleton: as for `channels_of`.

    Raises:
        ValueError: the body has no joint of such a name.

    Example:
        >>> wrists_of(["BODY.RWrist", "BODY.LWrist", "LEFT_HAND.LWrist"])
        (1, 0)
    """
    points = {_plain(skeleton[index]): index for index in channels_of(skeleton).get("body", [])}
    found = []
    for names in (("lwrist", "leftwrist"), ("rwrist", "rightwrist")):
        index = next((points[name] for name in names if name in points), None)
        if index is None:
            raise ValueError(f"the body must have a joint called {' or '.join(names)}, but has none.")
        found.append(index)
    return found[0], found[1]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.partition(".")[2].lower())
