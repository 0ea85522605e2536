"""Clean a clip's keypoints: what is doubtful becomes absent, what is absent is filled.

Absent joints are filled either in time, between the nearest frames that have them, the more confident and the nearer of
the two counting more; or, as the paper does, with the joint's median over the clip.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from signdiff_core.skeleton import (
    BODY,
    BODY_JOINTS,
    FACE,
    HEAD,
    LEFT_HAND,
    LEFT_WRIST,
    NUM_JOINTS,
    RIGHT_HAND,
    RIGHT_WRIST,
)
from signdiff_slp.corpora.filling import fill_absent, fill_track

Fill = Literal["interpolate", "median"]

_HANDS: Final = ((LEFT_HAND, LEFT_WRIST), (RIGHT_HAND, RIGHT_WRIST))


_TIP, _LIP, _ON_THE_FACE = 30, 51, ((36, 39), (42, 45), (0,), (16,))
"""Points of a face: the tip of the nose, the upper lip, and those near the eyes and ears of `HEAD`."""


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    """A clip without absent joints, (T, 50, 3) float32 of x, y in pixels and confidence, and what was done to it.

    ``depth`` (T, 50) is the detector's, NaN where it tells none or the joint was filled. ``doubtful`` is the share of
    joints that were there, but under the confidence; ``filled`` of those that were filled. The joints of ``never``,
    (50,), have no frame: they stay absent.
    """

    points: NDArray[np.float32]
    depth: NDArray[np.float32]
    doubtful: float
    filled: float
    never: NDArray[np.bool_]

    @property
    def in_space(self) -> NDArray[np.float32]:
        """(T, 50, 4) of x, y, depth and confidence, as `signdiff_core.lifting.lift` takes them."""
        return np.concatenate([self.points[..., :2], self.depth[..., None], self.points[..., 2:]], axis=-1)

    def check(self) -> None:
        """Raise a ``ValueError`` that names the joints that no frame has, if there are any."""
        if not self.never.any():
            return
        names = [name for name, is_meant in zip(BODY_JOINTS, self.never[BODY], strict=True) if is_meant]
        for side, part in (("left", LEFT_HAND), ("right", RIGHT_HAND)):
            if count := int(self.never[part].sum()):
                names.append(f"the {side} hand" if self.never[part].all() else f"{count} joints of the {side} hand")
        raise ValueError(f"a clip must show every joint in some frame, but this one never shows {', '.join(names)}.")


def clean(
    points: NDArray[np.floating],
    depth: NDArray[np.floating] | None = None,
    *,
    min_confidence: float = 0.1,
    fill: Fill = "interpolate",
) -> Cleaned:
    """Make a clip whole: (T, 50, 3) of x, y in pixels and confidence in [0, 1]; 0 or not finite where absent.

    ``depth`` (T, 50) is as of `signdiff_core.sources.Detections`. Joints below ``min_confidence`` are taken as absent.
    A ``ValueError`` says if ``points`` has another shape, or an option is out of its range.
    """
    if fill not in ("interpolate", "median"):
        raise ValueError(f"fill must be 'interpolate' or 'median', but is {fill!r}.")
    sure = drop_doubtful(points, min_confidence=min_confidence)
    absent = sure[..., 2] == 0
    whole = fill_in_time(sure) if fill == "interpolate" else fill_with_median(sure)
    before = drop_doubtful(points, min_confidence=0.0)[..., 2] > 0
    known = np.full(absent.shape, np.nan) if depth is None else np.where(absent, np.nan, depth)
    return Cleaned(
        points=whole,
        depth=known.astype(np.float32),
        doubtful=float((before & absent).mean()),
        filled=float((absent & (whole[..., 2] > 0)).mean()),
        never=absent.all(axis=0),
    )


def clean_face(
    points: NDArray[np.floating],
    depth: NDArray[np.floating] | None,
    joints: NDArray[np.floating],
    *,
    min_confidence: float = 0.1,
) -> NDArray[np.float64]:
    """Make head and face whole, linearly in time relative to the nose, as `fill_absent` does.

    From (T, 124, 3) of x, y and confidence, and the depth (T, 124) of `Detections`, if there is one, come (T, 74, 3) of
    x, y and depth from the nose, in pixels; 0 where no depth is known. ``joints`` are the 50, cleaned, (T, 50, 3). A
    ``ValueError`` says if no frame shows a face.
    """
    sure = np.where(points[..., 2] >= min_confidence, points[..., 2], 0.0)
    sure[:, :NUM_JOINTS] = 1.0
    places = np.concatenate([points[..., :2], np.zeros_like(points[..., :1])], axis=-1).astype(np.float64)
    places[:, :NUM_JOINTS, :2] = joints[..., :2]
    if depth is not None:
        own = np.nan_to_num(depth[:, FACE])
        # The depth of a face counts from the corners of its eyes.
        tip = np.where(sure[:, FACE.start + _TIP] > 0, own[:, _TIP], own[:, _LIP])
        places[:, FACE, 2] = own - tip[:, None]
        for point, others in enumerate(_ON_THE_FACE):
            places[:, HEAD.start + point, 2] = places[:, [FACE.start + other for other in others], 2].mean(axis=1)
    return fill_absent(places, sure)[:, NUM_JOINTS:]


def drop_doubtful(points: NDArray[np.floating], *, min_confidence: float) -> NDArray[np.float32]:
    """Make joints absent that are not to be trusted: (T, 50, 3) float32, 0 where absent; errors as of `clean`.

    Those are joints below ``min_confidence``, from 0 to 1, and those that are not finite or at (0, 0).

    >>> points = np.full((1, 50, 3), 0.8)
    >>> points[0, :3, 2] = 0.05, np.nan, 0.1
    >>> drop_doubtful(points, min_confidence=0.1)[0, :3, 2].round(2).tolist()
    [0.0, 0.0, 0.10000000149011612]
    """
    if points.ndim != 3 or points.shape[1:] != (NUM_JOINTS, 3) or not len(points):
        raise ValueError(f"points must have the shape (T, {NUM_JOINTS}, 3), but has {points.shape}.")
    if not 0 <= min_confidence <= 1:
        raise ValueError(f"min_confidence must be from 0 to 1, but is {min_confidence}.")
    good = np.isfinite(points).all(axis=-1) & (points[..., :2] != 0).any(axis=-1)
    good &= (points[..., 2] > 0) & (points[..., 2] >= min_confidence)
    return np.where(good[..., None], points, 0.0).astype(np.float32)


def fill_in_time(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Fill absent joints of (T, 50, 3) between the nearest frames before and after that have them.

    Of the two, each counts by its confidence divided by its distance in frames: equal confidences make that linear
    interpolation, as `fill_absent` does. Before a joint's first frame and after its last, it stays where it is next.
    Joints of a hand are filled relative to the body's wrist, so that a hand goes where its arm goes. What was filled
    has the confidence of linear interpolation, divided by 1 and the distance in frames to the nearest frame that has
    the joint. Joints that no frame has stay absent.
    """
    present = points[..., 2] > 0
    filled = points.astype(np.float64)
    for joint in range(BODY.start, BODY.stop):
        _fill(filled[:, joint], present[:, joint])
    for part, wrist in _HANDS:
        # A wrist that is never seen is at 0 throughout: then hands are filled as they are.
        filled[:, part, :2] -= filled[:, wrist, None, :2]
        for joint in range(part.start, part.stop):
            _fill(filled[:, joint], present[:, joint])
        filled[:, part, :2] += filled[:, wrist, None, :2]
    filled[:, ~present.any(axis=0)] = 0.0
    return np.where(present[..., None], points, filled).astype(np.float32)


def fill_with_median(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Fill absent joints of (T, 50, 3) with their median over the frames that have them, as the paper does.

    Confidences are filled with their median, too. Joints that no frame has stay absent.
    """
    present = points[..., 2] > 0
    filled = points.astype(np.float32)
    for joint in np.flatnonzero(present.any(axis=0)):
        here = present[:, joint]
        filled[~here, joint] = np.median(filled[here, joint], axis=0)
    return filled


def _fill(track: NDArray[np.float64], present: NDArray[np.bool_]) -> None:
    """Fill a track (T, 3) of x, y and confidence in place."""
    if present.all() or not present.any():
        return
    # The ratio of two linear interpolations, of confident positions and of confidences, weighs by confidence.
    track[:, :2] *= track[:, 2:]
    fill_track(track, present)
    track[:, :2] /= track[:, 2:]
    known, absent = np.flatnonzero(present), np.flatnonzero(~present)
    after = np.searchsorted(known, absent)
    to_next = np.abs(known[np.minimum(after, len(known) - 1)] - absent)
    to_last = np.abs(known[np.maximum(after - 1, 0)] - absent)
    track[absent, 2] /= 1 + np.minimum(to_next, to_last)
