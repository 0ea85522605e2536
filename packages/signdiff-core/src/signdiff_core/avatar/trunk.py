"""How trunk, shoulders, neck and head follow a signer.

The line of the shoulders turns and tilts the trunk, more from bone to bone up the spine. The head turns as `head` says.
Then its place follows: the neck bends sideways, and the shoulders rise or fall, until the nose is over the shoulders
where the data has it, as far as necks and shoulders go.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core import skeleton
from signdiff_core.anatomy.rotations import Array, about, smoothed, smoothed_direction, swing
from signdiff_core.avatar.body import AvatarBody
from signdiff_core.avatar.head import neck_turns, shared

_SHOULDER_LIMIT: Final = np.radians(30.0)
"""No trunk turns or tilts farther while its hips face the viewer."""

_SPINE: Final = {"root": 0.0, "spine05": 0.0, "spine04": 0.25, "spine03": 0.5, "spine02": 0.75}
"""Which share of the turn bones below the chest make."""

_NECK: Final = ("neck01", "neck02", "neck03")
_BEND: Final = np.radians(20.0)
"""How far a neck bends sideways to carry the head aside."""

_RISE, _CALM = (-0.03, 0.045), 1.5
"""How far shoulders fall and rise, normalised units, and frames over which they do."""


def trunk_turns(body: AvatarBody, points: Array, head: Array, sigma: float, *, shrugs: bool) -> NDArray[np.float32]:
    """Find the rotations of a body's bones, but for its arms.

    Args:
        body: the body.
        points: (T, 50, 3) joints, the neck at the origin, shoulders as far apart as the body's; NaN where unknown.
        head: (T, 3, 3) rotations of the head.
        sigma: standard deviation, in frames, of the Gaussian that smooths in time.
        shrugs: whether shoulders may rise: where the head's rotation was told by more than the place of the nose.

    Returns:
        (T, J, 3, 3) rotations, those of the arms as if they hung on the chest.
    """
    across = smoothed_direction(points[:, skeleton.LEFT_SHOULDER] - points[:, skeleton.RIGHT_SHOULDER], sigma)
    level = np.array([1.0, 0.0, 0.0])
    shoulders = np.where(np.isnan(across), level, across)
    chest = swing(np.broadcast_to(level, shoulders.shape), shoulders, limit=_SHOULDER_LIMIT)
    named = {bone: shared(chest, share) for bone, share in _SPINE.items()} | neck_turns(chest, head)
    goal = smoothed(points[:, skeleton.NOSE], sigma)
    if not np.isnan(goal).any():
        bend = _bend(body, chest, named, goal[:, 0])
        named |= {bone: bend @ named[bone] for bone in _NECK}
        if shrugs:
            named |= _risen(body, chest, goal[:, 1] - _nose(body, chest, named)[:, 1])
    turns = np.full((len(points), len(body.heads), 3, 3), np.nan, dtype=np.float32)
    for bone_name, turn in named.items():
        turns[:, body.bone(bone_name)] = turn
    for bone, (name, parent) in enumerate(zip(body.cast.bones, body.cast.parents, strict=True)):
        if name not in named:
            turns[:, bone] = chest if name == "spine01" else turns[:, parent]
    return turns


def _nose(body: AvatarBody, chest: Array, named: dict[str, Array]) -> Array:
    """Give the place of the nose, (T, 3), from the middle of the shoulders, while these are at rest."""
    chain = [*_NECK, "head"]
    joints = [*(body.heads[body.bone(bone)] for bone in chain), body.joint_rest[skeleton.NOSE]]
    place = chest @ joints[0].astype(np.float64)
    for bone, near, far in zip(chain, joints, joints[1:], strict=False):
        place = place + named[bone] @ (far - near).astype(np.float64)
    return np.asarray(place)


def _bend(body: AvatarBody, chest: Array, named: dict[str, Array], goal: Array) -> Array:
    """Find the rotations (T, 3, 3) of the neck in the picture that bring the nose to x (T,)."""
    first, last = (body.heads[body.bone(bone)].astype(np.float64) for bone in (_NECK[0], "head"))
    neck = _nose(body, chest, named) - chest @ first - named["head"] @ (body.joint_rest[skeleton.NOSE] - last)
    length = np.linalg.norm(neck[:, :2], axis=-1)
    now = np.arcsin(np.clip(neck[:, 0] / length, -1, 1))
    wanted = np.arcsin(np.clip((neck[:, 0] + goal - _nose(body, chest, named)[:, 0]) / length, -1, 1))
    return about(np.array([0.0, 0.0, 1.0]), np.clip(wanted - now, -_BEND, _BEND))


def _risen(body: AvatarBody, chest: Array, sunk: Array) -> dict[str, Array]:
    """Turn the clavicles so that the shoulders rise by as much as the head has sunk towards them, (T,), or fall."""
    rise = np.clip(smoothed(sunk[:, None], _CALM)[:, 0], *_RISE)
    turns = {}
    for side, mirror in (("L", 1.0), ("R", -1.0)):
        arm = body.heads[body.bone(f"upperarm01.{side}")] - body.heads[body.bone(f"clavicle.{side}")]
        x, y = mirror * float(arm[0]), float(arm[1])
        angle = np.arcsin(np.clip((y - rise) / np.hypot(x, y), -0.9, 0.9)) - np.arcsin(y / np.hypot(x, y))
        turns[f"clavicle.{side}"] = chest @ about(np.array([0.0, 0.0, 1.0]), mirror * angle)
    return turns
