"""Skeletons: the 50 joints on which every part of SignDiff agrees, and those that others register.

The 50 joints are OpenPose's upper body (joints 0 to 7), then the left hand (8 to 28), then the right hand (29 to 49):
the joints of Progressive Transformers' ``.skels`` files. `BODY_HANDS_FACE` has them too, and then eyes and ears (50 to
53) and OpenPose's face (54 to 123): 68 points of iBUG, then the pupils, the right one first. "Left" and "right" are the
signer's own.

Normalised coordinates: the neck is the origin, the shoulders are 1/3 apart. x grows to the viewer's right, y grows
downwards, z grows away from the viewer. A signer who faces the viewer has the right shoulder at negative x.

A plug-in of the group ``signdiff.skeletons`` is a `Skeleton`. Models of text to pose can be trained on any of them;
renderers draw the two that come with the package.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core import plugins

if TYPE_CHECKING:  # pose_format is heavy to import
    from pose_format import Pose
    from pose_format.pose_header import PoseHeader

SHOULDER_WIDTH: Final = 1 / 3
"""Distance between the shoulders in normalised coordinates."""

BODY_JOINTS: Final = (
    "NOSE",
    "NECK",
    "RIGHT_SHOULDER",
    "RIGHT_ELBOW",
    "RIGHT_WRIST",
    "LEFT_SHOULDER",
    "LEFT_ELBOW",
    "LEFT_WRIST",
)
"""OpenPose body joints 0 to 7."""

NOSE, NECK, RIGHT_SHOULDER, RIGHT_ELBOW, RIGHT_WRIST, LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST = range(8)

HAND_JOINTS: Final = (
    "WRIST",
    *(f"THUMB_{joint}" for joint in ("CMC", "MCP", "IP", "TIP")),
    *(
        f"{finger}_{joint}"
        for finger in ("INDEX_FINGER", "MIDDLE_FINGER", "RING_FINGER", "PINKY")
        for joint in ("MCP", "PIP", "DIP", "TIP")
    ),
)
"""The 21 joints of a hand, in the order of OpenPose and of MediaPipe."""

HEAD_JOINTS: Final = ("RIGHT_EYE", "LEFT_EYE", "RIGHT_EAR", "LEFT_EAR")
"""Eyes and ears as detectors of the body see them, in OpenPose's order."""

FACE_JOINTS: Final = (*(f"FACE_{point}" for point in range(68)), "RIGHT_PUPIL", "LEFT_PUPIL")
"""OpenPose's face: iBUG's points (jaw 0 to 16, brows 17 to 26, nose 27 to 35, eyes 36 to 47, lips 48 to 67), pupils."""

BODY: Final = slice(0, 8)
LEFT_HAND: Final = slice(8, 29)
RIGHT_HAND: Final = slice(29, 50)

HEAD: Final = slice(50, 54)
FACE: Final = slice(54, 124)

BODY_LIMBS: Final = ((0, 1), (1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7))
"""Pairs of body joints (parent first, but for nose and neck) that a limb connects."""

HAND_LIMBS: Final = tuple(
    (0 if joint == 0 else 4 * finger + joint, 4 * finger + joint + 1) for finger in range(5) for joint in range(4)
)
"""Pairs of joints within a hand; index 0 is the wrist."""


@dataclass(frozen=True, kw_only=True)
class Component:
    """A part of a skeleton, named as in the header of a pose, with the names of its joints.

    Limbs are pairs of joints by their place in this component; viewers of poses draw it in the RGB colour, 0 to 255.
    """

    name: str
    joints: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...] = ()
    colour: tuple[int, int, int] = (255, 128, 0)


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
        return make_header(self.components)

    def make_pose(
        self, joints: NDArray[np.floating], fps: float, *, confidence: NDArray[np.floating] | None = None
    ) -> Pose:
        """Wrap joint positions into a pose of one person, float32.

        Args:
            joints: (T, J, 3) normalised coordinates; what is masked is absent.
            fps: frames per second.
            confidence: (T, J) in [0, 1]; 0 means absent. Everything is present if it is not given.

        Raises:
            ValueError: ``joints`` or ``confidence`` has another shape, or ``fps`` is not positive.
        """
        return wrap(joints, fps, self.header(), confidence)

    def arrays(self, pose: Pose) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Take the joints out of a pose of one person and this skeleton.

        Returns:
            Positions (T, J, 3), absent joints as 0, and confidences (T, J). What is masked or NaN is absent.

        Raises:
            ValueError: the pose has another skeleton, or more than one person.
        """
        if not self.fits(pose):
            wanted = ", ".join(f"{component.name} ({len(component.joints)})" for component in self.components)
            raise ValueError(f"pose must have the components {wanted}, but has {_listed(pose)}.")
        people = pose.body.data.shape[1]
        if people != 1:
            raise ValueError(f"pose must hold one person, but holds {people}.")
        data = pose.body.data[:, 0]
        unknown = np.broadcast_to(np.isnan(np.ma.getdata(data)).any(axis=-1, keepdims=True), data.shape)
        joints, confidence = masked_as_absent(np.ma.masked_where(unknown, data), pose.body.confidence[:, 0])
        return joints.astype(np.float32), np.asarray(confidence, dtype=np.float32)

    def fits(self, pose: Pose) -> bool:
        """Tell whether a pose holds exactly these joints, in their order."""
        return [(each.name, tuple(each.points)) for each in pose.header.components] == [
            (each.name, each.joints) for each in self.components
        ]


OPENPOSE50: Final = Skeleton(
    name="openpose50",
    components=(
        Component(name="BODY", joints=BODY_JOINTS, limbs=BODY_LIMBS),
        Component(name="LEFT_HAND", joints=HAND_JOINTS, limbs=HAND_LIMBS, colour=(0, 160, 255)),
        Component(name="RIGHT_HAND", joints=HAND_JOINTS, limbs=HAND_LIMBS, colour=(0, 200, 80)),
    ),
    root=NECK,
    shoulders=(RIGHT_SHOULDER, LEFT_SHOULDER),
    hands=((LEFT_HAND.start, LEFT_HAND.stop, LEFT_WRIST), (RIGHT_HAND.start, RIGHT_HAND.stop, RIGHT_WRIST)),
)
"""The 50 joints."""

BODY_HANDS_FACE: Final = Skeleton(
    name="body_hands_face",
    components=(
        *OPENPOSE50.components,
        Component(name="HEAD", joints=HEAD_JOINTS, colour=(255, 200, 0)),
        Component(name="FACE", joints=FACE_JOINTS, colour=(255, 255, 255)),
    ),
    root=NECK,
    shoulders=OPENPOSE50.shoulders,
    hands=OPENPOSE50.hands,
)
"""The 50 joints, eyes and ears, and a face. What a face is made of has no limbs: nothing in it keeps its length."""

_BUILT_IN: Final = {each.name: each for each in (OPENPOSE50, BODY_HANDS_FACE)}

NUM_JOINTS: Final = OPENPOSE50.num_joints
"""Joints of a frame: 50."""

LIMBS: Final = OPENPOSE50.limbs
"""All pairs of joints (0 to 49) that a limb connects. A hand's own wrist joint lies on the body's wrist."""

pose_header = OPENPOSE50.header
make_pose = OPENPOSE50.make_pose
is_skeleton = OPENPOSE50.fits


def skeleton_of(pose: Pose) -> Skeleton:
    """Tell which of the two skeletons of this package a pose has.

    Raises:
        ValueError: the pose has another one.
    """
    for skeleton in _BUILT_IN.values():
        if skeleton.fits(pose):
            return skeleton
    raise ValueError(
        f"pose must have the components BODY (8), LEFT_HAND (21), RIGHT_HAND (21), and maybe HEAD (4) and FACE (70), "
        f"but has {_listed(pose)}."
    )


def is_known(pose: Pose, *, registered: bool = False) -> bool:
    """Tell whether a pose has one of the two skeletons of this package, or any that is registered."""
    if any(skeleton.fits(pose) for skeleton in _BUILT_IN.values()):
        return True
    return registered and any(find_skeleton(name).fits(pose) for name in skeleton_names())


def joints_of(pose: Pose) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Take the 50 joints out of a pose of one person.

    Args:
        pose: a pose of the 50 joints, or of `BODY_HANDS_FACE`.

    Returns:
        Positions (T, 50, 3), absent joints as 0, and confidences (T, 50).

    Raises:
        ValueError: the pose has another skeleton, or more than one person.
    """
    joints, confidence = skeleton_of(pose).arrays(pose)
    return joints[:, :NUM_JOINTS], confidence[:, :NUM_JOINTS]


def face_of(pose: Pose) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Take eyes, ears and the face out of a pose of one person.

    Args:
        pose: a pose of the 50 joints, or of `BODY_HANDS_FACE`.

    Returns:
        Positions (T, 74, 3) in the unit of the joints, absent points as 0, and confidences (T, 74): those of `HEAD`,
        then those of `FACE`. None for the 50 joints alone.

    Raises:
        ValueError: the pose has another skeleton, or more than one person.

    Example:
        >>> pose = BODY_HANDS_FACE.make_pose(np.zeros((2, 124, 3)), 25)
        >>> [part.shape for part in face_of(pose)]
        [(2, 74, 3), (2, 74)]
        >>> face_of(make_pose(np.zeros((2, 50, 3)), 25)) is None
        True
    """
    joints, confidence = skeleton_of(pose).arrays(pose)
    return (joints[:, NUM_JOINTS:], confidence[:, NUM_JOINTS:]) if joints.shape[1] > NUM_JOINTS else None


def _listed(pose: Pose) -> str:
    return ", ".join(f"{component.name} ({len(component.points)})" for component in pose.header.components)


def limb_lengths(joints: NDArray[np.floating], limbs: Sequence[tuple[int, int]] = LIMBS) -> NDArray[np.floating]:
    """Measure limbs: distances (..., limbs) between joints (..., 50, 3), in their unit."""
    ends = np.asarray(limbs)
    return np.linalg.norm(joints[..., ends[:, 1], :] - joints[..., ends[:, 0], :], axis=-1)  # type: ignore[no-any-return]


def outward(limbs: Sequence[tuple[int, int]], root: int) -> list[tuple[int, int, int]]:
    """Order limbs so that each starts at a joint that an earlier one, or the root, reached.

    For each limb, in any order and direction, its number, the nearer joint and the farther one; those that nothing
    connects with the root are left out.

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


def skeleton_names() -> list[str]:
    """List the registered skeletons."""
    return sorted({*_BUILT_IN, *(plugin.name for plugin in plugins.discover("signdiff.skeletons"))})


def find_skeleton(name: str) -> Skeleton:
    """Find a registered skeleton by its name.

    Raises:
        ValueError: there is none, or one of another name is registered under it.
        PluginError: it cannot be loaded, or is no skeleton.

    Example:
        >>> find_skeleton("openpose50").num_joints
        50
    """
    if name in _BUILT_IN:  # without a look at all that is installed
        return _BUILT_IN[name]
    if name not in skeleton_names():
        raise ValueError(f"skeleton must be one of {', '.join(skeleton_names())}, but is {name!r}.")
    found = plugins.load("signdiff.skeletons", name)
    if not isinstance(found, Skeleton) or found.name != name:
        raise ValueError(f"the skeleton registered as {name!r} must be a Skeleton of that name, but is {found!r}.")
    return found


def make_header(components: Sequence[Component]) -> PoseHeader:
    """Make the header of a pose in normalised coordinates: its picture is 1 wide and 1 high."""
    from pose_format.pose_header import PoseHeader, PoseHeaderComponent, PoseHeaderDimensions

    made = [
        PoseHeaderComponent(each.name, list(each.joints), list(each.limbs), [each.colour], "XYZC")
        for each in components
    ]
    return PoseHeader(version=0.2, dimensions=PoseHeaderDimensions(1, 1, 1), components=made)


def wrap(
    joints: NDArray[np.floating], fps: float, header: PoseHeader, confidence: NDArray[np.floating] | None = None
) -> Pose:
    """Wrap joint positions (T, J, 3) into a pose of one person, float32, of any header of J joints.

    Arguments and errors are those of `Skeleton.make_pose`.
    """
    from pose_format import Pose
    from pose_format.numpy import NumPyPoseBody

    joints, confidence = masked_as_absent(joints, confidence)
    joints = joints.astype(np.float32, copy=False)
    num_joints = header.total_points()
    if joints.ndim != 3 or joints.shape[1:] != (num_joints, 3):
        raise ValueError(f"joints must have the shape (T, {num_joints}, 3), but has {joints.shape}.")
    if not fps > 0:
        raise ValueError(f"fps must be positive, but is {fps}.")
    if confidence is None:
        confidence = np.ones(joints.shape[:2], dtype=np.float32)
    confidence = np.asarray(confidence, dtype=np.float32)
    if confidence.shape != joints.shape[:2]:
        raise ValueError(f"confidence must have the shape {joints.shape[:2]}, but has {confidence.shape}.")
    return Pose(header, NumPyPoseBody(fps, joints[:, None], confidence[:, None]))


def masked_as_absent(
    joints: NDArray[Any], confidence: NDArray[Any] | None = None
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Turn the mask of joints, such as that of ``pose.body.data``, into confidences of 0.

    From joints (..., J, C) and confidences (..., J), masked or plain, come plain arrays: a joint with a masked
    coordinate or confidence has the confidence 0, and its masked coordinates are 0. The confidence stays None if
    nothing is masked and none was given.

    Example:
        >>> joints = np.ma.masked_equal([[[1.0, 2.0], [9.0, 9.0]]], 9.0)
        >>> plain, confidence = masked_as_absent(joints)
        >>> plain.tolist(), confidence.tolist()
        ([[[1.0, 2.0], [0.0, 0.0]]], [[1.0, 0.0]])
    """
    masked = np.ma.is_masked(joints)
    if confidence is not None:
        confidence = np.asarray(np.ma.filled(confidence, 0))
    elif masked:
        confidence = np.ones(np.shape(joints)[:-1], dtype=np.float32)
    if not masked:
        return np.asarray(joints), confidence
    absent = np.ma.getmaskarray(joints).any(axis=-1)
    if confidence is not None and confidence.shape == absent.shape:  # another shape is refused where it is used
        confidence = np.where(absent, 0, confidence)
    return np.ma.filled(joints, 0), confidence
