"""Make a clip whole: absent joints interpolated, frames at the corpus's rate."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core.rates import same_rate
from signdiff_core.skeleton import (
    BODY,
    BODY_JOINTS,
    FACE,
    HEAD,
    LEFT_HAND,
    LEFT_WRIST,
    NOSE,
    NUM_JOINTS,
    RIGHT_HAND,
    RIGHT_WRIST,
    masked_as_absent,
)

MAX_FRAMES: Final = 1_000_000
"""Most frames that come of a clip."""

_STAND_INS: Final[dict[int, tuple[int, ...]]] = {
    **dict(zip(range(HEAD.start, HEAD.stop), ((36, 39), (42, 45), (0,), (16,)), strict=True)),
    **{FACE.start + 27 + step: (39, 42) * (3 - step) + (30,) * 2 * step for step in range(3)},
    FACE.start + 68: tuple(range(36, 42)),
    FACE.start + 69: tuple(range(42, 48)),
}
"""Points of the face whose mean stands in for one that a detector does not know; the nose does for all others."""

_HANDS: Final = (("left", LEFT_HAND, LEFT_WRIST), ("right", RIGHT_HAND, RIGHT_WRIST))


def fill_absent(joints: NDArray[np.floating], confidence: NDArray[np.floating]) -> NDArray[np.float64]:
    """Interpolate absent joints, of (T, J, 3) with confidence (T, J) 0, masked or not finite, linearly in time.

    Before a joint's first frame and after its last, it stays where it is next. Joints of a hand are interpolated
    relative to the body's wrist, so that a hand goes where its arm goes; those of head and face, if J is 124, relative
    to the nose. Joints that were present are unchanged. A ``ValueError`` says if one of the 50 joints, or the whole
    face, is absent in every frame; for single points of it that are, others stand in (see `never_seen`).
    """
    joints, confidence = masked_as_absent(joints, confidence)  # type: ignore[assignment]
    present = (confidence > 0) & np.isfinite(joints).all(axis=-1)
    never = ~present[:, :NUM_JOINTS].any(axis=0)
    if never.any():
        raise ValueError(f"joints must be seen in some frame, but {_names(never)} never.")
    filled = joints.astype(np.float64)
    for joint in range(BODY.start, BODY.stop):
        fill_track(filled[:, joint], present[:, joint])
    for _, part, wrist in _HANDS:
        for joint in range(part.start, part.stop):
            if not present[:, joint].all():
                relative = filled[:, joint] - filled[:, wrist]
                fill_track(relative, present[:, joint])
                absent = ~present[:, joint]
                filled[absent, joint] = relative[absent] + filled[absent, wrist]
    if joints.shape[1] > NUM_JOINTS:
        if not present[:, FACE].any():
            raise ValueError("joints must be seen in some frame, but the face is never.")
        _fill_face(filled, present)
    return filled


def never_seen(confidence: NDArray[np.floating]) -> int:
    """Count the points of head and face that no frame of (T, J) has, and that others stand in for."""
    return int((~(confidence[:, NUM_JOINTS:] > 0).any(axis=0)).sum())


def _fill_face(filled: NDArray[np.float64], present: NDArray[np.bool_]) -> None:
    relative = filled[:, NUM_JOINTS:] - filled[:, NOSE, None]
    seen = present[:, NUM_JOINTS:]
    unknown = np.asarray(~seen.any(axis=0))
    for point in np.flatnonzero(~unknown).tolist():
        fill_track(relative[:, point], seen[:, point])
    relative[:, unknown] = 0.0  # which is the nose
    for point, others in _STAND_INS.items():
        if unknown[point - NUM_JOINTS]:
            places = [FACE.start - NUM_JOINTS + other for other in others]
            relative[:, point - NUM_JOINTS] = relative[:, places].mean(axis=1)
    filled[:, NUM_JOINTS:] = np.where(seen[..., None], filled[:, NUM_JOINTS:], relative + filled[:, NOSE, None])


def resample(joints: NDArray[np.float64], fps: float, target: float) -> NDArray[np.float64]:
    """Bring frames (T, ...) to another rate by linear interpolation: T * target / fps of them, rounded, at least 1.

    A ``ValueError`` says if a rate is not positive, or more than `MAX_FRAMES` come out.

    >>> resample(np.array([0.0, 1.0, 2.0, 3.0]), 50, 25).tolist()
    [0.0, 2.0]
    """
    if not (np.isfinite(fps) and fps > 0 and np.isfinite(target) and target > 0):
        raise ValueError(f"fps must be positive, but is {fps} and shall be {target}.")
    if same_rate(fps, target):
        return joints
    count = max(1, round(len(joints) * target / fps))
    if count > MAX_FRAMES:
        raise ValueError(f"joints must last at most {MAX_FRAMES} frames at {target:g} a second, but last {count}.")
    times = np.minimum(np.arange(count) * (fps / target), len(joints) - 1)
    before = np.floor(times).astype(int)
    after = np.minimum(before + 1, len(joints) - 1)
    share = (times - before).reshape(-1, *[1] * (joints.ndim - 1))
    return np.asarray((1 - share) * joints[before] + share * joints[after])


def fill_track(track: NDArray[np.float64], present: NDArray[np.bool_]) -> None:
    """Interpolate the absent frames of a track (T, D) in place; (T,) tells which are present, at least one."""
    if present.all():
        return
    known, absent = np.flatnonzero(present), np.flatnonzero(~present)
    for axis in range(track.shape[1]):
        track[absent, axis] = np.interp(absent, known, track[known, axis])


def _names(never: NDArray[np.bool_]) -> str:
    names = [name for name, absent in zip(BODY_JOINTS, never[BODY], strict=True) if absent]
    for side, part, _ in _HANDS:
        count = int(never[part].sum())
        if count:
            names.append(f"the {side} hand" if count == part.stop - part.start else f"{count} of the {side} hand")
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}"
