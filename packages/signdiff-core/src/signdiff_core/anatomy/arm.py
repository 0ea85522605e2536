"""An arm with its hand as a tree of hinges, each with the angles that a joint allows.

The shoulder turns freely; the elbow bends; the forearm twists; the wrist bends and deviates; a finger bends and spreads
at its knuckle and bends at its two other joints; a thumb turns about three axes at its root, bends and gives a little
sideways at its knuckle, and bends at its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from signdiff_core.anatomy.rotations import Array, dot, unit

ELBOW, WRIST = 1, 2
HAND: Final = slice(3, 24)
"""Numbers of an arm's points: shoulder, elbow, wrist, the 21 joints of the hand, then points on the forearm."""

NUM_JOINTS: Final = 24
ON_FOREARM: Final = (0.45, 0.75)
"""Where along a forearm its further points lie, from the elbow to the wrist."""

FREE: Final = 3
"""The first angles of an arm turn its shoulder: about the axes x, y and z of the camera, from a base."""

ELBOW_BEND, FOREARM_TWIST, WRIST_BEND, WRIST_DEVIATION = range(FREE, FREE + 4)


class Hinge(NamedTuple):
    """The limits of a hinge, and the angle it usually has with a standard deviation; degrees."""

    low: float
    high: float
    usual: float
    spread: float


_SHOULDER: Final = Hinge(-1e4, 1e4, 0, 1e5)
_ELBOW: Final = Hinge(-25, 112, 30, 200)
_TWIST: Final = Hinge(-120, 120, 0, 90)
_BEND: Final = Hinge(-85, 85, 0, 60)
_DEVIATION: Final = Hinge(-40, 40, 0, 30)
_THUMB_ROOT: Final = (Hinge(-45, 45, 0, 30), Hinge(-45, 45, 0, 30), Hinge(-40, 40, 0, 20))
_THUMB_KNUCKLE: Final = (Hinge(-30, 60, 10, 40), Hinge(-15, 15, 0, 10))
_THUMB_END: Final = Hinge(-40, 80, 10, 40)
_KNUCKLE: Final = (Hinge(-30, 100, 25, 80), Hinge(-24, 24, 0, 15))
_MIDDLE: Final = Hinge(-2, 115, 30, 80)
_END: Final = Hinge(-6, 85, 20, 60)


@dataclass(frozen=True, kw_only=True, eq=False)
class Arm:
    """The hinges of an arm, D of them, every parent before its children, and the P points that they move.

    Attributes:
        rest: (P, 3) the points at rest.
        parents: (D,) number of the hinge that carries a hinge; -1 for the first.
        pivots: (D, 3) where the hinges are at rest.
        axes: (D, 3) unit vectors about which they turn, at rest.
        low: (D,) least angle, radians.
        high: (D,) largest angle.
        usual: (D,) the angle that they usually have.
        spread: (D,) its standard deviation.
        carriers: (P,) the last hinge that moves a point; -1 for the shoulder.
        moves: (P, D) whether a hinge moves a point.
        lateral: (3,) unit vector across the palm at rest, about which the wrist bends.
        knuckle: (5,) the first hinge of each finger, thumb first.
    """

    rest: Array
    parents: NDArray[np.intp]
    pivots: Array
    axes: Array
    low: Array
    high: Array
    usual: Array
    spread: Array
    carriers: NDArray[np.intp]
    moves: NDArray[np.bool_]
    lateral: Array
    knuckle: NDArray[np.intp]

    @staticmethod
    def of(joints: Array, finger_hinges: Array) -> Arm:
        """Make an arm from its joints at rest: shoulder, elbow, wrist and hand (24, 3).

        `finger_hinges` are the axes (5, 3) about which the fingers bend, thumb first; a positive angle closes the hand.
        """
        return _Builder(joints, finger_hinges).arm()

    @property
    def upper(self) -> Array:
        """Direction of the upper arm at rest."""
        return unit(self.rest[ELBOW] - self.rest[0])

    @property
    def fore(self) -> Array:
        """Direction of the forearm at rest."""
        return unit(self.rest[WRIST] - self.rest[ELBOW])

    @property
    def palm_size(self) -> float:
        """How far the four knuckles are from the wrist: root of the mean square."""
        return float(palm_size(self.rest[HAND]))

    @property
    def middle_bends(self) -> NDArray[np.intp]:
        """The hinges at the middle joints of the four fingers; the next is the one at its end, which bends along."""
        return self.knuckle[1:] + 2

    def place(self, angles: Array, base: Array, shoulder: Array) -> Placed:
        """Put an arm where its angles (T, D), the shoulder's base turn (T, 3, 3) and place (T, 3) say."""
        frames, hinges = angles.shape
        turns, pivots, axes = (np.empty((frames, hinges, *shape)) for shape in ((3, 3), (3,), (3,)))
        sine, cosine = np.sin(angles)[..., None, None], np.cos(angles)[..., None, None]
        for hinge, (parent, axis) in enumerate(zip(self.parents, self.axes, strict=True)):
            cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
            turn = np.eye(3) + sine[:, hinge] * cross + (1 - cosine[:, hinge]) * (cross @ cross)
            if parent < 0:
                pivots[:, hinge], axes[:, hinge], turns[:, hinge] = shoulder, axis, turn
            else:
                carrying = turns[:, parent]
                pivots[:, hinge] = pivots[:, parent] + carrying @ (self.pivots[hinge] - self.pivots[parent])
                axes[:, hinge] = carrying @ axis
                turns[:, hinge] = carrying @ turn
            if hinge == FREE - 1:
                turns[:, hinge] = turns[:, hinge] @ base
        points = np.empty((frames, len(self.rest), 3))
        points[:, 0] = shoulder
        for point, hinge in enumerate(self.carriers[1:], start=1):
            points[:, point] = pivots[:, hinge] + turns[:, hinge] @ (self.rest[point] - self.pivots[hinge])
        return Placed(points=points, turns=turns, pivots=pivots, axes=axes)


class Placed(NamedTuple):
    """Where an arm is in T frames: points (T, P, 3), turns (T, D, 3, 3) against the rest, pivots and axes (T, D, 3)."""

    points: Array
    turns: Array
    pivots: Array
    axes: Array

    def derivative(self, moves: NDArray[np.bool_]) -> Array:
        """Tell how far each point goes with each angle: (T, P, 3, D), per radian."""
        across = np.cross(self.axes[:, None], self.points[:, :, None] - self.pivots[:, None]) * moves[:, :, None]
        return np.swapaxes(across, -1, -2)


def palm_size(hand: Array) -> Array:
    """Measure hands (..., 21, 3): the distance of the four knuckles from the wrist, root of the mean square."""
    knuckles = hand[..., 5:18:4, :] - hand[..., :1, :]
    return np.sqrt((knuckles**2).sum(axis=-1).mean(axis=-1))  # type: ignore[no-any-return]


class _Builder:
    """Collects the hinges of an arm, from the shoulder outwards."""

    def __init__(self, joints: Array, finger_hinges: Array) -> None:
        self.joints, self.finger_hinges = joints.astype(np.float64), finger_hinges
        self.hinges: list[tuple[int, Array, Array, Hinge]] = []
        self.carriers = [-1] * NUM_JOINTS

    def add(self, parent: int, pivot: int, axis: Array, limits: Hinge, *, own: float = 0.0) -> int:
        """Add a hinge at a joint; `own`, in degrees, is how far it is bent at rest."""
        low, high, usual, spread = limits
        self.hinges.append((parent, self.joints[pivot], axis, Hinge(low - own, high - own, usual - own, spread)))
        return len(self.hinges) - 1

    def arm(self) -> Arm:
        joints = self.joints
        upper, fore = unit(joints[ELBOW] - joints[0]), unit(joints[WRIST] - joints[ELBOW])
        lateral = joints[HAND][5] - joints[HAND][17]
        lateral = unit(lateral - dot(lateral, fore) * fore)
        for axis in range(FREE):
            self.add(axis - 1, 0, np.eye(3)[axis], _SHOULDER)
        elbow = self.add(FREE - 1, ELBOW, unit(np.cross(upper, fore)), _ELBOW)
        twist = self.add(elbow, WRIST, fore, _TWIST)
        bend = self.add(twist, WRIST, lateral, _BEND)
        palm = self.add(bend, WRIST, np.cross(fore, lateral), _DEVIATION)
        self.carriers[ELBOW], self.carriers[WRIST], self.carriers[HAND.start] = FREE - 1, elbow, palm
        knuckle = [self._thumb(palm), *(self._finger(number, palm) for number in range(1, 5))]

        parents, pivots, axes, limits = zip(*self.hinges, strict=True)
        carriers = np.array([*self.carriers, *[elbow] * len(ON_FOREARM)])
        low, high, usual, spread = np.radians(np.array(limits, dtype=np.float64)).T
        share = np.array(ON_FOREARM)[:, None]
        return Arm(
            rest=np.concatenate([joints, joints[ELBOW] + share * (joints[WRIST] - joints[ELBOW])]),
            parents=np.array(parents),
            pivots=np.array(pivots),
            axes=np.array(axes),
            low=low,
            high=high,
            usual=np.clip(usual, low, high),
            spread=spread,
            carriers=carriers,
            moves=_ancestry(parents)[carriers] & (carriers >= 0)[:, None],
            lateral=lateral,
            knuckle=np.array(knuckle),
        )

    def _thumb(self, palm: int) -> int:
        first = HAND.start + 1
        axis = self.finger_hinges[0]
        bones = unit(np.diff(self.joints[first : first + 4], axis=0))
        self.carriers[first] = palm
        root = self.add(palm, first, axis, _THUMB_ROOT[0])
        aside = self.add(root, first, unit(np.cross(axis, bones[0])), _THUMB_ROOT[1])
        rolled = self.add(aside, first, bones[0], _THUMB_ROOT[2])
        bent = self.add(rolled, first + 1, axis, _THUMB_KNUCKLE[0])
        given = self.add(bent, first + 1, unit(np.cross(axis, bones[1])), _THUMB_KNUCKLE[1])
        end = self.add(given, first + 2, axis, _THUMB_END)
        self.carriers[first + 1 : first + 4] = rolled, given, end
        return root

    def _finger(self, number: int, palm: int) -> int:
        first = HAND.start + 1 + 4 * number
        axis = self.finger_hinges[number]
        bones = unit(np.diff(self.joints[first : first + 4], axis=0))
        middle_own, end_own = np.degrees(np.arcsin(np.cross(bones[:2], bones[1:]) @ axis))
        self.carriers[first] = palm
        bent = self.add(palm, first, axis, _KNUCKLE[0])
        spread = self.add(bent, first, unit(np.cross(axis, bones[0])), _KNUCKLE[1])
        middle = self.add(spread, first + 1, axis, _MIDDLE, own=middle_own)
        end = self.add(middle, first + 2, axis, _END, own=end_own)
        self.carriers[first + 1 : first + 4] = spread, middle, end
        return bent


def _ancestry(parents: tuple[int, ...]) -> NDArray[np.bool_]:
    """Tell for each hinge (D, D) which hinges carry it, itself included."""
    carried = np.zeros((len(parents), len(parents)), dtype=bool)
    for hinge, parent in enumerate(parents):
        carried[hinge, hinge] = True
        if parent >= 0:
            carried[hinge] |= carried[parent]
    return carried
