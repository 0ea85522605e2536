"""Skeletons by name: the 50 joints, and those that others register in the group ``signdiff.skeletons``.

A plug-in is a `Skeleton`. Models of text to pose can be trained on any of them; renderers draw the 50 joints.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from signdiff_core import plugins
from signdiff_core.skeleton import (
    BODY_JOINTS,
    BODY_LIMBS,
    HAND_JOINTS,
    HAND_LIMBS,
    LEFT_HAND,
    LEFT_SHOULDER,
    LEFT_WRIST,
    NECK,
    RIGHT_HAND,
    RIGHT_SHOULDER,
    RIGHT_WRIST,
)
from signdiff_core.wrapping import make_header, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pose_format import Pose
    from pose_format.pose_header import PoseHeader

GROUP: Final = "signdiff.skeletons"

_COLOUR: Final = (255, 128, 0)


@dataclass(frozen=True, kw_only=True)
class Component:
    """A part of a skeleton.

    Attributes:
        name: as in the header of a pose.
        joints: their names.
        limbs: pairs of joints, by their place in this component.
    """

    name: str
    joints: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Skeleton:
    """What joints a pose has, and what they mean.

    Attributes:
        name: by which it is registered.
        components: its parts; joints are numbered through all of them.
        root: the joint at the origin of normalised coordinates.
        shoulders: the joints whose distance is 1/3 there.
        hands: for each hand its first joint, the one after its last, and the body's wrist that its first lies on.
    """

    name: str
    components: tuple[Component, ...]
    root: int
    shoulders: tuple[int, int]
    hands: tuple[tuple[int, int, int], ...] = ()

    def __post_init__(self) -> None:
        numbers = [self.root, *self.shoulders, *(joint for pair in self.limbs for joint in pair)]
        numbers += [joint for start, stop, wrist in self.hands for joint in (start, stop - 1, wrist)]
        if not self.num_joints or not all(0 <= number < self.num_joints for number in numbers):
            raise ValueError(f"joints of the skeleton {self.name!r} must be from 0 to {self.num_joints - 1}.")

    @cached_property
    def num_joints(self) -> int:
        """How many joints a frame has."""
        return sum(len(component.joints) for component in self.components)

    @cached_property
    def limbs(self) -> tuple[tuple[int, int], ...]:
        """All pairs of joints that a limb connects."""
        pairs: list[tuple[int, int]] = []
        start = 0
        for component in self.components:
            pairs += [(start + a, start + b) for a, b in component.limbs]
            start += len(component.joints)
        return tuple(pairs)

    def header(self) -> PoseHeader:
        """Make the header of a pose of this skeleton, in normalised coordinates."""
        return make_header((each.name, each.joints, each.limbs, _COLOUR) for each in self.components)

    def make_pose(self, joints: NDArray[np.floating], fps: float) -> Pose:
        """Wrap joint positions into a pose.

        Args:
            joints: (T, J, 3) normalised coordinates.
            fps: frames per second.

        Raises:
            ValueError: ``joints`` has another shape, or ``fps`` is not positive.
        """
        return wrap(joints, fps, self.header())

    def fits(self, pose: Pose) -> bool:
        """Tell whether a pose holds exactly these joints, in their order."""
        return [(each.name, list(each.points)) for each in pose.header.components] == [
            (each.name, list(each.joints)) for each in self.components
        ]


OPENPOSE50: Final = Skeleton(
    name="openpose50",
    components=(
        Component(name="BODY", joints=BODY_JOINTS, limbs=BODY_LIMBS),
        Component(name="LEFT_HAND", joints=HAND_JOINTS, limbs=HAND_LIMBS),
        Component(name="RIGHT_HAND", joints=HAND_JOINTS, limbs=HAND_LIMBS),
    ),
    root=NECK,
    shoulders=(RIGHT_SHOULDER, LEFT_SHOULDER),
    hands=(
        (LEFT_HAND.start, LEFT_HAND.stop, LEFT_WRIST),
        (RIGHT_HAND.start, RIGHT_HAND.stop, RIGHT_WRIST),
    ),
)
"""The 50 joints of `signdiff_core.skeleton`."""


def skeleton_names() -> list[str]:
    """List the registered skeletons."""
    return sorted({OPENPOSE50.name, *(plugin.name for plugin in plugins.discover(GROUP))})


def find_skeleton(name: str) -> Skeleton:
    """Find a skeleton by its name.

    Raises:
        ValueError: there is none, or what is registered under the name is none.
        PluginError: it cannot be loaded.

    Example:
        >>> find_skeleton("openpose50").num_joints
        50
    """
    if name == OPENPOSE50.name:
        return OPENPOSE50
    if name not in skeleton_names():
        raise ValueError(f"skeleton must be one of {', '.join(skeleton_names())}, but is {name!r}.")
    found = plugins.load(GROUP, name)
    if not isinstance(found, Skeleton) or found.name != name:
        raise ValueError(f"skeleton {name!r} must be a Skeleton of that name, but is {found!r}.")
    return found


def outward(limbs: Sequence[tuple[int, int]], root: int) -> list[tuple[int, int, int]]:
    """Order limbs so that each starts at a joint that an earlier one reached.

    Args:
        limbs: pairs of joints, in any order and direction; those that nothing connects with the root are left out.
        root: where to start.

    Returns:
        For each limb its number in ``limbs``, the nearer joint and the farther one.

    Example:
        >>> outward([(0, 1), (1, 2)], root=1)
        [(0, 1, 0), (1, 1, 2)]
    """
    reached, left = {root}, dict(enumerate(limbs))
    ordered: list[tuple[int, int, int]] = []
    while True:
        step = [(number, *pair) for number, pair in left.items() if (pair[0] in reached) != (pair[1] in reached)]
        if not step:
            return ordered
        for number, a, b in step:
            if a in reached and b in reached:  # a ring: another limb has just reached it
                continue
            near, far = (a, b) if a in reached else (b, a)
            ordered.append((number, near, far))
            reached.add(far)
            del left[number]
