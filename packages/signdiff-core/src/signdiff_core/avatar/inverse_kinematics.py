"""Makes a body perform a pose, so that what signing means is kept: where hands are and what they do.

The body keeps its own bones. What is minimised, frame by frame (`signdiff_core.anatomy.solving`), is how far

- each wrist is from where the data has it, seen from the shoulders, in shoulder widths; and near the face, from the
  face; closely in the picture, loosely in depth, which data know least;
- the joints of the hand are from where the data's hand, in the size of this body's, has them from the wrist;
- the elbow is from where the data's upper arm points to;
- and how deep a hand is inside trunk, head or the other hand;

within the limits of joints. Hands that the data hold together stay together, since both go where the picture has them.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from signdiff_core import skeleton
from signdiff_core.anatomy.arm import (
    ELBOW,
    ELBOW_BEND,
    FOREARM_TWIST,
    FREE,
    HAND,
    NUM_JOINTS,
    WRIST,
    WRIST_DEVIATION,
    Arm,
    Placed,
    palm_size,
)
from signdiff_core.anatomy.rotations import (
    Array,
    about,
    apply,
    dot,
    smoothed,
    swing,
    transpose,
    twist_angle,
    unit,
)
from signdiff_core.anatomy.solving import METACARPALS, Goals, Posture, solve, start
from signdiff_core.avatar.arms import SIDES, arm_of
from signdiff_core.avatar.body import AvatarBody, Motion
from signdiff_core.avatar.collisions import PARTS, BodyObstacle, overlap
from signdiff_core.avatar.face import face_shapes
from signdiff_core.avatar.head import face_size, head_turns
from signdiff_core.avatar.trunk import trunk_turns

_HANGING: Final = {"upper": (0.12, 0.99, 0.06), "fore": (0.04, 0.96, -0.28)}
"""Directions of a left arm that hangs relaxed (mirrored for the right one)."""

_FOREARM_SHARES: Final = {"lowerarm01": 0.2, "lowerarm02": 0.65}

_SEEN_SCALE, _SEEN_NECK, _SEEN_FACE = 0.865, np.array([0.0, -0.031, 0.0]), 0.97
"""Detectors mark shoulders further in and further up than the joints about which arms turn: how much nearer to each
other, and where the middle is, normalised units; and faces a little smaller (MediaPipe on bodies of the cast: 0.85 to
0.93, -0.024 to -0.041, 0.96 to 1.00).
"""

_SEEN_WRIST, _SEEN_KNUCKLES = 0.124, -0.06
"""How much further out than joints detectors mark a wrist and the knuckles, in marked lengths of a palm (MediaPipe on
519 hands of the cast that sign: 0.105 and -0.05 of its own palm)."""

_SIGMA: Final = {"elbow": (0.03, 0.03, 0.06), "wrist": (0.005, 0.005, 0.03), "hand": (0.006, 0.006, 0.010)}
"""How far points may be from their goals, standard deviations in normalised units; z is depth."""

_FACE, _NEAR_FACE = 0.09, 0.06
"""Radius of a face, and how far from it hands still count as near, normalised units."""

_FIRST, _AGAIN = 9, 5
"""Steps of the search, and of the search after goals have moved."""

_ODD, _DOUBT, _DOUBTS = 0.03, 0.2, 2
"""How far a wrist may be off its goal, or a hand inside the body, for the sake of the hand's shape; how much less that
counts where it is farther, and how often."""

_ASTRAY: Final = 0.1
"""How far an elbow is off its goal where the search is stuck."""

_LEFT_INSIDE, _UPPER_ARM = 0.03, 0.04
"""How deep in the body a hand may be in the end, with what it stays off; and how near to its own upper arm's bone."""

_FOLDED: Final = np.radians(28.0)
"""Least angle between upper arm and forearm."""

_ROUNDS, _TOUCH = 3, 0.002
"""How often hands are taken out of each other at most, and by how much they may overlap."""

_CALM: Final = 3.0
"""Frames over which the pose is smoothed from which the search starts."""


def fit(
    body: AvatarBody,
    joints: NDArray[np.floating],
    confidence: NDArray[np.floating] | None = None,
    *,
    smoothing: float = 0.6,
    face: tuple[NDArray[np.floating], NDArray[np.floating]] | None = None,
    seen: bool = True,
) -> Motion:
    """Make a body perform a pose.

    Args:
        body: the body; it keeps its own bones.
        joints: (T, 50, 3) normalised coordinates of any signer; NaN where unknown.
        confidence: (T, 50) in [0, 1]; a joint with 0 is unknown. An arm that no frame knows hangs relaxed.
        smoothing: standard deviation, in frames, of the Gaussian that smooths places in time; 0 for none.
        face: positions (T, 74, 3) and confidences (T, 74) of eyes, ears and face, as `signdiff_core.skeleton.face_of`
            gives them. Head and face then do what they show, the head also where eyes and ears are all there is; else
            it follows the nose, and the face is still.
        seen: joints are where detectors mark them, and nods as they tell them; False for joints about which limbs turn,
            as `Motion.joints` has them.

    Returns:
        The body's motion, T frames.

    Raises:
        ValueError: ``joints``, ``confidence`` or ``face`` has another shape, or ``smoothing`` is negative.
    """
    if np.ndim(joints) != 3 or np.shape(joints)[1:] != (skeleton.NUM_JOINTS, 3) or not len(joints):
        raise ValueError(
            f"joints must have the shape (T, {skeleton.NUM_JOINTS}, 3) with T > 0, but has {np.shape(joints)}."
        )
    if confidence is not None and np.shape(confidence) != np.shape(joints)[:2]:
        raise ValueError(f"confidence must have the shape {np.shape(joints)[:2]}, but has {np.shape(confidence)}.")
    if face is not None and (np.shape(face[0]), np.shape(face[1])) != ((len(joints), 74, 3), (len(joints), 74)):
        raise ValueError(
            f"face must have the shapes {(len(joints), 74, 3)} and {(len(joints), 74)}, "
            f"but has {np.shape(face[0])} and {np.shape(face[1])}."
        )
    if smoothing < 0:
        raise ValueError(f"smoothing must be at least 0, but is {smoothing}.")
    points = _known(joints, confidence)
    told = head_turns(points, face and face[0], face and face[1], smoothing=smoothing)
    head = head_turns(points, face and face[0], face and face[1], smoothing=smoothing, seen=True) if seen else told
    size = None if face is None else face_size(points, *face, told)
    scale = _SEEN_SCALE / _SEEN_FACE if seen else 1.0
    if seen:
        points = _from_marks(points)
    turns = trunk_turns(body, points, head, smoothing, shrugs=size is not None)
    obstacle, shoulders = _obstacle(body, turns)
    turn, shift = obstacle.places["head"]
    nose = apply(turn, np.broadcast_to(body.joint_rest[skeleton.NOSE], shift.shape)) + shift
    points, touches = _beside_the_face(body, points, nose, 1.0 if size is None else body.face_size / (size * scale))
    left, right = (_Limb(body, side, shoulders[side], points, smoothing, obstacle) for side in "LR")
    for limb in (left, right):
        limb.search(_FIRST)
        limb.come_back()
        for _ in range(_DOUBTS):
            limb.doubt_hands()
        limb.touch(touches[limb.side])
    for _ in range(_ROUNDS):
        others = overlap(left.placed.points, right.placed.points)
        for limb, way in zip((left, right), others, strict=True):
            limb.bring_nearer(np.maximum(way, limb.depth))
    for limb in (left, right):
        limb.untangle()
        limb.write(turns)
    return Motion(body=body, turns=turns, shapes=face_shapes(body, *face, told) if face else None)


def _known(joints: NDArray[np.floating], confidence: NDArray[np.floating] | None) -> Array:
    """Mark unknown joints by NaN; a wrist that only the body or only the hand knows serves both."""
    points: Array = np.array(joints, dtype=np.float64)
    if confidence is not None:
        points[~(np.asarray(confidence) > 0)] = np.nan
    for _, _, wrist, hand in SIDES.values():
        for one, other in ((wrist, hand), (hand, wrist)):
            points[:, one] = np.where(np.isnan(points[:, one]), points[:, other], points[:, one])
    return points


def _from_marks(points: Array) -> Array:
    """Tell where the joints (T, 50, 3) of a body are whose joints a detector has marked."""
    joints: Array = points * _SEEN_SCALE + _SEEN_NECK
    for _, _, wrist, hand in SIDES.values():
        palm = joints[:, hand + 9] - joints[:, hand]
        moved = joints[:, hand] - _SEEN_WRIST * palm
        joints[:, hand] = joints[:, wrist] = np.where(np.isnan(moved), joints[:, hand], moved)
        joints[:, hand + 5 : hand + 18 : 4] -= _SEEN_KNUCKLES * palm[:, None]
    return joints


class _Touch(NamedTuple):
    """What of a hand is nearest to the face: its joint (T,), where that goes (T, 2), and how much that counts (T,)."""

    joint: NDArray[np.int64]
    place: Array
    share: Array


def _beside_the_face(body: AvatarBody, points: Array, nose: Array, size: float) -> tuple[Array, dict[str, _Touch]]:
    """Move hands near the face of the data (T, 50, 3) to where they are at the face of the body, by its nose (T, 3).

    The body's face is `size` times as large. What goes there is the hand's nearest joint, as far from the wrist as this
    body's hand has it, and the hand with it: one within a face's radius of the nose goes all the way, one that is
    farther, less. That joint of each side is given, too.
    """
    middle = points[:, skeleton.NOSE]
    moved, touches = points.copy(), {}
    for side, (_, _, wrist, hand) in SIDES.items():
        joints = points[:, hand : hand + 21]
        away = np.linalg.norm(joints[..., :2] - middle[:, None, :2], axis=-1)
        known = np.isfinite(away).any(axis=1)
        first = np.where(known, np.nan_to_num(away, nan=np.inf).argmin(axis=1), 0)
        nearest = np.where(known, away[np.arange(len(away)), first], np.inf)
        share = np.exp(-((np.maximum(nearest - _FACE, 0) / _NEAR_FACE) ** 2))
        there = joints[np.arange(len(joints)), first]
        way = nose - middle + (np.clip(size, 0.8, 1.25) - 1) * (there - middle)
        way += (1 - _share_of(arm_of(body, side), joints - joints[:, :1])) * (there - joints[:, 0])
        for joint in (wrist, *range(hand, hand + 21)):
            moved[:, joint] += share[:, None] * np.nan_to_num(way) * [1.0, 1.0, 0.0]
        aim = np.nan_to_num(there + nose - middle + (np.clip(size, 0.8, 1.25) - 1) * (there - middle))
        touches[side] = _Touch(first, aim[:, :2], share)
    return moved, touches


def _share_of(arm: Arm, fingers: Array) -> float:
    """Tell how large an arm's hand is against that of the data, whose joints (T, 21, 3) count from the wrist."""
    sizes = palm_size(fingers)
    return float(arm.palm_size / np.nanmedian(sizes)) if np.isfinite(sizes).any() else arm.palm_size


def _obstacle(body: AvatarBody, turns: NDArray[np.float32]) -> tuple[BodyObstacle, dict[str, Array]]:
    """Give what hands must not enter, and where the shoulders are, (T, 3) by side."""
    parts = {name: body.bone(name) for name in (*PARTS, "shoulder01.L", "shoulder01.R")}
    shifts = [block[1][:, list(parts.values())] for block in Motion(body=body, turns=turns).blocks()]
    ways = np.moveaxis(np.concatenate(shifts).astype(np.float64), 1, 0)
    places = {
        name: (turns[:, bone].astype(np.float64), way) for (name, bone), way in zip(parts.items(), ways, strict=True)
    }
    shoulders = {}
    for side in "LR":
        turn, shift = places[f"shoulder01.{side}"]
        shoulders[side] = turn @ body.heads[body.bone(f"upperarm01.{side}")].astype(np.float64) + shift
    return BodyObstacle(body=body, places=places), shoulders


class _Limb:
    """An arm of a body, "L" or "R", on its way to a pose (T, 50, 3), NaN where unknown.

    Its `shoulder` is at (T, 3); `sigma` smooths in time, in frames.
    """

    def __init__(
        self, body: AvatarBody, side: str, shoulder: Array, points: Array, sigma: float, obstacle: BodyObstacle
    ) -> None:
        self.body, self.side, self.sigma = body, side, sigma
        self.arm = arm_of(body, side)
        self.shoulder = shoulder
        *joints, hand = SIDES[side]
        data = np.stack([smoothed(points[:, n], sigma) for n in joints], axis=1)
        fingers = points[:, hand : hand + 21] - points[:, hand, None]
        fingers = np.stack([smoothed(fingers[:, n], sigma) for n in range(21)], axis=1)
        self._set_arm(data, known=not np.isnan(data[:, [ELBOW, WRIST]]).any())
        self._set_hand(fingers)
        self.obstacle = obstacle
        self.goals = Goals(places=self.places, weights=self.weights, obstacle=obstacle)
        self._begin()

    def _set_arm(self, data: Array, *, known: bool) -> None:
        """Set the goals of elbow and wrist, from shoulder, elbow and wrist (T, 3, 3) of the data."""
        arm, frames = self.arm, len(data)
        self.places = np.zeros((frames, len(arm.rest), 3))
        self.weights = np.zeros_like(self.places)
        mirror = np.array([1.0 if self.side == "L" else -1.0, 1.0, 1.0])
        lengths = np.linalg.norm(np.diff(arm.rest[:3], axis=0), axis=1)
        aims = [unit(np.broadcast_to(np.array(_HANGING[part]) * mirror, (frames, 3))) for part in ("upper", "fore")]
        elbow = self.shoulder + lengths[0] * aims[0]
        self.places[:, ELBOW] = data[:, ELBOW] if known else elbow
        self.places[:, WRIST] = data[:, WRIST] if known else elbow + lengths[1] * aims[1]
        # An arm folds only so far: a wrist that would be nearer to its shoulder goes towards the viewer.
        aside = self.places[:, WRIST] - self.shoulder
        nearest = (lengths**2).sum() - 2 * lengths.prod() * np.cos(_FOLDED)
        before = -np.sqrt(np.maximum(nearest - (aside[:, :2] ** 2).sum(axis=1), 0))
        near = (aside**2).sum(axis=1) < nearest
        self.places[near, WRIST, 2] = (self.shoulder[:, 2] + before)[near]
        self.weights[:, ELBOW], self.weights[:, WRIST] = (1 / np.array(_SIGMA[part]) for part in ("elbow", "wrist"))

    def _set_hand(self, fingers: Array) -> None:
        """Set the goals of the hand: the data's joints (T, 21, 3), from its wrist, in the size of this body's palm."""
        goals = fingers * _share_of(self.arm, fingers)
        known = np.asarray(np.isfinite(goals).all(axis=-1))
        self.places[:, HAND] = np.where(known[..., None], goals, 0.0)
        self.weights[:, HAND] = np.where(known[..., None], 1 / np.array(_SIGMA["hand"]), 0.0)
        self.weights[:, HAND.start] = 0

    def _begin(self) -> None:
        """Start from a calmer pose, so that frames that follow each other take the same of several ways."""
        frames = len(self.places)
        calm = smoothed(self.places.reshape(frames, -1), _CALM).reshape(self.places.shape)
        exact, self.places = self.places, calm
        self.begun = start(self.arm, self._whole())
        goals = Goals(places=calm, weights=self.weights)
        self.posture = solve(self.arm, self.begun, self.shoulder, goals, steps=_FIRST)
        self.places = exact

    def _whole(self) -> Array:
        """Give joints (T, 24, 3) to start from: the goals, and a hand at rest where there are none."""
        joints = self.places[:, :NUM_JOINTS].copy()
        joints[:, 0] = self.shoulder
        fore = unit(joints[:, WRIST] - joints[:, ELBOW])
        rest = self.arm.rest[HAND] - self.arm.rest[WRIST]
        loose = swing(np.broadcast_to(self.arm.fore, fore.shape), fore) @ rest.T
        unknown = self.weights[:, HAND, :1] == 0
        ends = np.unique(METACARPALS)
        few = unknown[:, ends].sum(axis=1) > len(ends) - 3
        hand = np.where(unknown | few[:, None], np.swapaxes(loose, 1, 2), joints[:, HAND])
        joints[:, HAND] = joints[:, WRIST, None] + hand
        return joints

    @property
    def placed(self) -> Placed:
        """Where the arm is now."""
        return self.arm.place(self.posture.angles, self.posture.base, self.shoulder)

    def search(self, steps: int) -> None:
        """Go towards the goals."""
        self.posture = solve(self.arm, self.posture, self.shoulder, self.goals, steps=steps)

    @property
    def depth(self) -> Array:
        """How deep the hand is inside the body: (T,)."""
        points = self.placed.points
        return np.asarray(self.obstacle.depth(points, slice(0, len(points)))[:, WRIST:].max(axis=1))

    def off(self, joint: int) -> Array:
        """How far a joint is off its goal in the picture: (T,)."""
        return np.asarray(np.linalg.norm((self.placed.points - self.places)[:, joint, :2], axis=-1))

    def follow_neighbours(self, stuck: NDArray[np.bool_]) -> None:
        """Take over, in frames (T,) in which the search is stuck, the posture of the nearest that is not."""
        if stuck.any() and not stuck.all():
            free = np.flatnonzero(~stuck)
            nearest = free[np.abs(np.flatnonzero(stuck)[:, None] - free).argmin(axis=1)]
            angles, base = self.posture.angles.copy(), self.posture.base.copy()
            angles[stuck], base[stuck] = angles[nearest], base[nearest]
            self.posture = Posture(angles=angles, base=base)

    def come_back(self) -> None:
        """Where the elbow is astray, search again from the nearest frame in which it is not."""
        astray = self.off(ELBOW) > _ASTRAY
        if astray.any():
            self.follow_neighbours(astray)
            self.search(_FIRST)

    def doubt_hands(self) -> None:
        """Let the shape of a hand count for less where no arm has it there, and search again."""
        odd = (self.depth > _ODD) | (self.off(WRIST) > _ODD)
        if odd.any():
            self.weights[odd, HAND] *= _DOUBT
            self.posture.angles[odd], self.posture.base[odd] = self.begun.angles[odd], self.begun.base[odd]
            self.search(_FIRST)

    def touch(self, touch: _Touch) -> None:
        """Move the wrist by what the joint that is nearest to the face is off its place, and search again."""
        frames = np.arange(len(touch.joint))
        off = touch.place - self.placed.points[frames, HAND.start + touch.joint, :2]
        way = smoothed(touch.share[:, None] * off, self.sigma)
        moved = np.asarray(np.linalg.norm(way, axis=1) > _TOUCH)
        if moved.any():
            now = self.posture
            self.places[:, WRIST, :2] += way
            self.search(_AGAIN)
            self.posture.angles[~moved], self.posture.base[~moved] = now.angles[~moved], now.base[~moved]

    def bring_nearer(self, way: Array) -> None:
        """Have the wrist come nearer to the viewer than it is now, by (T,), where that is more than next to nothing.

        Where it is far, the search is stuck: it goes on from the nearest frame in which it is not.
        """
        moved, stuck = way > _TOUCH, way > _ODD
        if not moved.any():
            return
        now = self.posture
        self.follow_neighbours(stuck)
        self.places[moved, WRIST, 2] = (self.placed.points[:, WRIST, 2] - way)[moved]
        self.weights[moved, WRIST, 2] = 1 / _SIGMA["wrist"][0]
        self.search(_AGAIN)
        self.posture.angles[~moved], self.posture.base[~moved] = now.angles[~moved], now.base[~moved]

    def untangle(self) -> None:
        """Where the hand is still inside the body or in its own upper arm, take the nearest frame's arm instead."""
        points = self.placed.points
        upper, along = points[:, ELBOW] - points[:, 0], points[:, WRIST:] - points[:, :1]
        share = np.clip((along @ upper[..., None])[..., 0] / dot(upper, upper)[:, None], 0, 0.7)
        away = np.linalg.norm(along - share[..., None] * upper[:, None], axis=-1).min(axis=1)
        self.follow_neighbours((self.depth > _LEFT_INSIDE) | (away < _UPPER_ARM))

    def write(self, turns: NDArray[np.float32]) -> None:
        """Fill in the rotations (T, J, 3, 3) of the arm's bones."""
        arm = self.arm
        placed = self.placed
        upper, fore, palm = (placed.turns[:, hinge] for hinge in (FREE - 1, ELBOW_BEND, WRIST_DEVIATION))
        along = apply(upper, np.broadcast_to(arm.upper, self.shoulder.shape))
        plain = swing(np.broadcast_to(arm.upper, along.shape), along)
        roll = twist_angle(upper @ transpose(plain), along)
        turns[:, self._bone("upperarm01")], turns[:, self._bone("upperarm02")] = about(along, roll * 0.5) @ plain, upper
        twist, axis = self.posture.angles[:, FOREARM_TWIST], apply(fore, np.broadcast_to(arm.fore, along.shape))
        for name, share in _FOREARM_SHARES.items():
            turns[:, self._bone(name)] = about(axis, twist * share) @ fore
        turns[:, self._bone("wrist")] = palm
        for number in range(1, 5):
            turns[:, self._bone(f"metacarpal{number}")] = palm
        for finger in range(5):
            for joint in range(3):
                hinge = arm.carriers[HAND.start + 4 * finger + 2 + joint]
                turns[:, self._bone(f"finger{finger + 1}-{joint + 1}")] = placed.turns[:, hinge]

    def _bone(self, name: str) -> int:
        return self.body.bone(f"{name}.{self.side}")
