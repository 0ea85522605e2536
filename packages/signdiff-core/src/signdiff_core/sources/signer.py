"""Choose the signer among the people of a clip, the same one from its first frame to its last.

People are followed from frame to frame by the places of their joints, whatever their order in the list; then the one
who signs is chosen among those followed: seen in most frames, with confidence, near the camera, hands in sight. Another
one is chosen by a number: 1 is who would be chosen, 2 the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core.skeleton import (
    BODY,
    BODY_HANDS_FACE,
    LEFT_HAND,
    LEFT_SHOULDER,
    NUM_JOINTS,
    OPENPOSE50,
    RIGHT_HAND,
    RIGHT_SHOULDER,
)
from signdiff_core.sources.detections import Detections

FARTHEST: Final = 1.0
"""How far, in shoulder widths, joints may be from where a person was seen last: their median distance."""


@dataclass(frozen=True, kw_only=True)
class Keypoints:
    """The joints of one signer as a detector sees them.

    ``points`` are (T, J, 3) float32 of x and y in pixels, y downwards, and confidence in [0, 1]: all 0 where a joint
    is absent. ``depth`` (T, J) is as of `Detections`, and so are 50 or 124 joints. ``size`` is that of the picture, if
    the source tells it; ``notes`` say what was left out. A ``ValueError`` says if points have another shape, no frame
    or are not finite, or ``fps`` is not positive.
    """

    name: str
    points: NDArray[np.float32]
    fps: float
    depth: NDArray[np.float32] | None = None
    size: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shapes = [(each.num_joints, 3) for each in (OPENPOSE50, BODY_HANDS_FACE)]
        if self.points.ndim != 3 or self.points.shape[1:] not in shapes or not len(self.points):
            raise ValueError(f"points must have the shape (T, {NUM_JOINTS}, 3), but has {self.points.shape}.")
        if not np.isfinite(self.points).all():
            raise ValueError(f"points must be finite, but {int((~np.isfinite(self.points)).sum())} numbers are not.")
        if not self.fps > 0:
            raise ValueError(f"fps must be positive, but is {self.fps}.")

    @property
    def in_space(self) -> NDArray[np.float32]:
        """(T, J, 4) of x, y and depth in pixels and confidence; the depth is NaN where the detector tells none."""
        depth = np.full(self.points.shape[:2], np.nan, dtype=np.float32) if self.depth is None else self.depth
        return np.concatenate([self.points[..., :2], depth[..., None], self.points[..., 2:]], axis=-1)


def choose_signer(detections: Detections, person: int | None = None) -> Keypoints:
    """Choose the signer of a clip among all people of all frames, or the one with a number from 1.

    A ``ValueError`` says if there is nobody in any frame, or nobody with this number. Joints are absent in frames in
    which this person isn't seen. Notes say in how many frames there was nobody, or only someone else, and how many
    other people were left out.

    >>> from signdiff_core.sources import Detections
    >>> near, far = np.random.default_rng(0).uniform((100, 100, 0.9), (400, 400, 1), (2, 50, 3))
    >>> far[:, 0] += 900
    >>> people = np.stack([[near, far], [far, near]]).astype(np.float32)
    >>> chosen = choose_signer(Detections(name="swapped", people=people, fps=25))
    >>> bool((chosen.points[0] == chosen.points[1]).all()), chosen.notes
    (True, ('2 detections of other people were left out of 2 frames',))
    """
    people = detections.people
    seen = np.asarray((people[..., :NUM_JOINTS, 2] > 0).any(axis=-1))
    if not seen.any():
        raise ValueError(f"{detections.name} must show a person in some frame, but its {len(people)} frames show none.")
    tracks = _follow(people, seen)
    widest = max(1.0, *(track.width for track in tracks))
    ranked = sorted(tracks, key=lambda track: -track.score(people) * track.width / widest)
    if person is not None and not 1 <= person <= len(ranked):
        raise ValueError(
            f"person must be from 1 to {len(ranked)}, the people who are followed through {detections.name}, but is "
            f"{person}."
        )
    chosen = ranked[(person or 1) - 1]
    points = np.zeros((len(people), *people.shape[2:]), dtype=np.float32)
    frames, places = list(chosen.places), list(chosen.places.values())
    points[frames] = people[frames, places]
    depth = None
    if detections.depth is not None:
        depth = np.full(points.shape[:2], np.nan, dtype=np.float32)
        depth[frames] = detections.depth[frames, places]
    return Keypoints(
        name=detections.name,
        points=points,
        fps=detections.fps,
        depth=depth,
        size=detections.size,
        notes=(*detections.notes, *_notes(seen, chosen)),
    )


@dataclass
class _Track:
    """One person through the clip: where the joints of the body were seen last, (8, 3), with 0 if never.

    ``places`` has the person's place in the list of each frame, ``widths`` pixels in the frames that tell.
    """

    last: NDArray[np.float32]
    places: dict[int, int] = field(default_factory=dict)
    widths: list[float] = field(default_factory=list)

    @property
    def width(self) -> float:
        return float(np.median(self.widths))

    def add(self, frame: int, place: int, person: NDArray[np.float32]) -> None:
        body = person[BODY]
        self.last = np.where(body[:, 2:] > 0, body, self.last)
        self.places[frame] = place
        self.widths.append(_width(person))

    def score(self, people: NDArray[np.float32]) -> float:
        """Sum over the frames of the mean confidence of the body's joints and that of the hands'."""
        confidence = people[list(self.places), list(self.places.values()), :, 2]
        return float(
            (confidence[:, BODY].mean(axis=1) + confidence[:, LEFT_HAND.start : RIGHT_HAND.stop].mean(axis=1)).sum()
        )


def _follow(people: NDArray[np.float32], seen: NDArray[np.bool_]) -> list[_Track]:
    tracks: list[_Track] = []
    for frame, present in enumerate(seen):
        places = np.flatnonzero(present)
        free = set(places.tolist())
        taken: set[int] = set()
        # The nearest pair first: two people are seldom near enough for a better assignment to matter.
        for number, place in _pairs(tracks, people[frame], places):
            if number not in taken and place in free:
                tracks[number].add(frame, place, people[frame, place])
                taken.add(number)
                free.remove(place)
        for place in sorted(free):
            track = _Track(last=np.zeros((BODY.stop, 3), dtype=np.float32))
            track.add(frame, place, people[frame, place])
            tracks.append(track)
    return tracks


def _pairs(tracks: list[_Track], people: NDArray[np.float32], places: NDArray[np.intp]) -> list[tuple[int, int]]:
    """Pairs of a track and a person who may be the same, the most alike first.

    Joints that a track knows and a person lacks count as far: a few stray joints do not take a person's place.
    """
    if not tracks or not len(places):
        return []
    last = np.stack([track.last for track in tracks])[:, None]
    bodies = people[places][None, :, BODY]
    widths = np.maximum([track.widths[-1] for track in tracks], 1.0)[:, None, None]
    known = last[..., 2] > 0
    both = known & (bodies[..., 2] > 0)
    far = np.where(both, np.linalg.norm(bodies[..., :2] - last[..., :2], axis=-1) / widths, np.inf)
    middle = np.maximum(both.sum(axis=-1, keepdims=True) - 1, 0) // 2
    median = np.take_along_axis(np.sort(far, axis=-1), middle, axis=-1)[..., 0]
    unlike = np.where(known, np.minimum(far, 1.0), 0.0).sum(axis=-1) / np.maximum(known.sum(axis=-1), 1)
    numbers, columns = np.nonzero(median <= FARTHEST)
    order = np.argsort(unlike[numbers, columns], kind="stable")
    return [(int(numbers[pair]), int(places[columns[pair]])) for pair in order]


def _width(person: NDArray[np.float32]) -> float:
    """Width of the shoulders in pixels; half the extent of what is seen if a shoulder isn't."""
    shoulders = person[[LEFT_SHOULDER, RIGHT_SHOULDER]]
    if (shoulders[:, 2] > 0).all():
        return float(np.linalg.norm(shoulders[0, :2] - shoulders[1, :2]))
    joints = person[:NUM_JOINTS]
    visible = joints[joints[:, 2] > 0, :2]
    return float(np.ptp(visible, axis=0).max()) / 2


def _notes(seen: NDArray[np.bool_], chosen: _Track) -> list[str]:
    others = seen.sum(axis=1)
    others[list(chosen.places)] -= 1
    nobody = int((~seen.any(axis=1)).sum())
    only_others = int(seen.any(axis=1).sum()) - len(chosen.places)
    notes = []
    if nobody:
        notes.append(f"nobody is seen in {nobody} of {len(seen)} frames")
    if only_others:
        notes.append(f"only someone else is seen in {only_others} of {len(seen)} frames")
    if others.any():
        count, frames = int(others.sum()), int((others > 0).sum())
        notes.append(f"{count} detections of other people were left out of {frames} frames")
    return notes
