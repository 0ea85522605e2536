"""The one body that spells: its bone lengths, its left arm at rest, and how postures become the 50 joints.

Lengths are in normalised units (shoulders 1/3 apart). Those of the right hand and of the upper arm are medians over the
clips' still frames, with depth scaled as `depth` found (``signdiff-slp corpus depth`` prints both). The forearm is
0.955 of the upper arm (de Leva 1996, table 4): the elbow is detected with a confidence of about one half, and a forearm
that points at the viewer is measured by its depth alone, which makes it longer than the upper arm.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core import skeleton
from signdiff_slp.corpora.kinematics import Postures, forearm_axes, place_hand, unit

NOSE_LENGTH: Final = 0.241
"""From neck to nose."""

UPPER_ARM_LENGTH: Final = 0.283
FOREARM_LENGTH: Final = 0.270

HAND_LENGTHS: Final = np.array(
    [
        *(0.0409, 0.0364, 0.0319, 0.0254),
        *(0.0960, 0.0462, 0.0299, 0.0225),
        *(0.0907, 0.0483, 0.0301, 0.0211),
        *(0.0878, 0.0444, 0.0252, 0.0196),
        *(0.0872, 0.0338, 0.0199, 0.0173),
    ]
)
"""Bones of a hand in the order of `HAND_LIMBS`: thumb, index, middle, ring, little finger."""

SHOULDER: Final = np.array([-skeleton.SHOULDER_WIDTH / 2, 0.0, 0.0])
"""The right shoulder."""

_REST_NOSE: Final = (-0.009, -0.196, -0.139)
_REST_UPPER_ARM: Final = (-0.16, 0.98, 0.06)
_REST_FOREARM: Final = (0.06, 0.95, -0.30)
_PALM_SPREAD: Final = (0.30, 0.10, -0.09, -0.28)
_CURL: Final = ((0.25, 0.30, 0.25), (0.32, 0.38, 0.28), (0.38, 0.42, 0.30), (0.42, 0.42, 0.30))


def rest() -> Postures:
    """Make one frame of a signer at rest: arms hanging, hands relaxed, palms towards the thighs."""
    forearm = unit(np.array([_REST_FOREARM]))
    palm_in_space = np.array([[0.0, 0.05, 1.0], [0.0, 1.0, -0.05], [-1.0, 0.0, 0.0]])
    return Postures(
        nose=unit(np.array([_REST_NOSE])),
        upper_arm=unit(np.array([_REST_UPPER_ARM])),
        forearm=forearm,
        palm=forearm_axes(forearm).transpose(0, 2, 1) @ _orthonormal(palm_in_space)[None],
        fingers=relaxed_fingers()[None],
    )


def relaxed_fingers() -> NDArray[np.float64]:
    """Make the bones of a relaxed right hand, slightly curled: (20, 3) unit directions, as `Postures` has them."""
    bones = [(0.75, 0.60, 0.30), (0.50, 0.80, 0.32), (0.35, 0.88, 0.32), (0.22, 0.92, 0.32)]  # the thumb
    for spread, curl in zip(_PALM_SPREAD, _CURL, strict=True):
        bones.append((spread, 1.0, 0.0))
        bend = 0.0
        for joint in curl:
            bend += joint
            bones.append((0.4 * spread, float(np.cos(bend)), float(np.sin(bend))))
    return unit(np.array(bones))


def joints_from(postures: Postures) -> NDArray[np.float64]:
    """Build the 50 joints, (T, 50, 3) normalised, of head, right arm and right hand; the left arm is at rest.

    Every bone has this body's length.
    """
    joints = np.zeros((len(postures), skeleton.NUM_JOINTS, 3))
    joints[:, skeleton.NOSE] = NOSE_LENGTH * postures.nose
    joints[:, skeleton.NECK] = 0.0
    _place_right_arm(joints, postures)

    left = np.zeros((1, skeleton.NUM_JOINTS, 3))
    _place_right_arm(left, rest())
    mirror = np.array([-1.0, 1.0, 1.0])
    for part in ("SHOULDER", "ELBOW", "WRIST", "HAND"):
        target, source = getattr(skeleton, f"LEFT_{part}"), getattr(skeleton, f"RIGHT_{part}")
        joints[:, target] = left[:, source] * mirror
    return joints


def rest_pose() -> NDArray[np.float32]:
    """Make the pose in which every spelling starts and ends, both arms hanging: (50, 3) normalised, float32."""
    return np.asarray(joints_from(rest())[0], dtype=np.float32)


def wrists(postures: Postures) -> NDArray[np.float64]:
    """Tell where the right wrist is, (T, 3) from the right shoulder."""
    return UPPER_ARM_LENGTH * postures.upper_arm + FOREARM_LENGTH * postures.forearm


def _place_right_arm(joints: NDArray[np.float64], postures: Postures) -> None:
    elbow = SHOULDER + UPPER_ARM_LENGTH * postures.upper_arm
    wrist = SHOULDER + wrists(postures)
    axes = forearm_axes(postures.forearm) @ postures.palm
    directions = postures.fingers @ axes.transpose(0, 2, 1)
    joints[:, skeleton.RIGHT_SHOULDER] = SHOULDER
    joints[:, skeleton.RIGHT_ELBOW] = elbow
    joints[:, skeleton.RIGHT_WRIST] = wrist
    joints[:, skeleton.RIGHT_HAND] = place_hand(wrist, directions, HAND_LENGTHS)


def _orthonormal(axes: NDArray[np.float64]) -> NDArray[np.float64]:
    along = unit(axes[:, 1])
    out = unit(np.cross(axes[:, 0], along))
    return np.stack([np.cross(along, out), along, out], axis=-1)
