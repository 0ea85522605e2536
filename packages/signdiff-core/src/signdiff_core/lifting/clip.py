"""Lift a clip: arms and hands with joints like people's take the pose that the picture shows.

What a picture leaves open, bodies decide: lengths (`lengths`), how far joints bend, which way fingers close. So palm
and back of a hand are told apart, and fingers bend towards the palm, also without any depth from the detector. Where
the detector has depth for a hand, from the wrist, that counts, too. Forearms point towards the viewer where the picture
does not tell. The view is orthographic: nothing gets smaller with distance.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core import skeleton
from signdiff_core.anatomy.arm import ELBOW, HAND, NUM_JOINTS, WRIST, Arm
from signdiff_core.anatomy.rotations import Array, smoothed, unit
from signdiff_core.anatomy.solving import Goals, Posture, solve, start
from signdiff_core.lifting.lengths import Lengths, measure
from signdiff_core.skeleton import HAND_LIMBS, NECK, NOSE, SHOULDER_WIDTH
from signdiff_core.skeleton import NUM_JOINTS as ALL_JOINTS

_SIDES: Final = {
    "L": (skeleton.LEFT_SHOULDER, skeleton.LEFT_ELBOW, skeleton.LEFT_WRIST, skeleton.LEFT_HAND),
    "R": (skeleton.RIGHT_SHOULDER, skeleton.RIGHT_ELBOW, skeleton.RIGHT_WRIST, skeleton.RIGHT_HAND),
}
_SIGMA: Final = {"elbow": 0.012, "wrist": 0.004, "hand": 0.005}
"""How far joints may be from where the picture shows them, standard deviations in normalised units."""

_DEPTH: Final = {"elbow": 0.15, "wrist": 0.15, "hand": 0.012}
"""The same of depth: of elbow and wrist from where the search starts, of a hand from what the detector says."""

HANGING: Final = ((0.12, 0.90), (0.22, 1.70))
"""Where elbow and wrist of an arm hang, from its shoulder outwards and down, in shoulder widths."""

_NOSE: Final = 0.25
"""From the neck to the nose, normalised units."""

_FACING: Final = (0.0, -0.2)
"""Where the nose is in the picture of somebody who faces the camera, from the neck, normalised units."""

_LEAST: Final = 0.1
"""Share of a limb's length by which it points at the viewer at least, at the start."""

_CALM: Final = 3.0
_STEPS, _AGAIN = (10, 8), 2


_BEFORE, _LOOSELY = 0.03, 0.005
"""How far before the shoulders hands are at least, and how loosely, normalised units."""


_ODD, _DOUBT = 0.04, 0.2
"""How far elbow or wrist may be off the picture for the sake of the hand, normalised units; and how much less a hand
counts for which they are."""


class _Chest:
    """The plane of the chest, before which people sign."""

    def depth(self, points: Array, frames: slice) -> Array:
        """Tell how far points (t, P, 3) of a hand are behind it: (t, P)."""
        behind = np.maximum(points[..., 2] + _BEFORE, 0)
        behind[:, :WRIST] = 0
        return behind

    def way_out(self, frames: slice) -> Array:
        """Give the way towards the viewer."""
        return np.array([[0.0, 0.0, -1.0]])


def lift(keypoints: NDArray[np.floating], *, smoothing: float = 0.5) -> NDArray[np.float64]:
    """Lift what a detector sees of a signer from the picture into space.

    Args:
        keypoints: (T, 50, 3) of x and y in pixels, y downwards, and confidence, at least 0; or (T, 50, 4) of x, y, z
            and confidence, where z of a hand is from its wrist, in pixels, growing away from the viewer, and NaN
            without depth. A joint with confidence 0, or with a masked number, is absent. The joints are those of
            `signdiff_core.skeleton`, for a signer who faces the camera.
        smoothing: standard deviation, in frames, of the Gaussian that smooths what is seen; 0 for none.

    Returns:
        (T, 50, 3) joints in pixels, with bones of constant lengths, left and right alike. z grows away from the viewer,
        from 0 at the neck. Absent joints are filled. Bring them to normalised coordinates with
        `signdiff_core.formats.normalise`.

    Raises:
        ValueError: ``keypoints`` has another shape, a number that is not finite, a negative confidence, or shows no
            shoulders, elbows or wrists in any frame; or ``smoothing`` is negative.

    Example:
        >>> seen = np.random.default_rng(0).uniform(100, 500, size=(4, 50, 3))
        >>> seen[..., 2] = 1
        >>> joints = lift(seen)
        >>> joints.shape, bool((joints[:, 1, 2] == 0).all())
        ((4, 50, 3), True)
    """
    if smoothing < 0:
        raise ValueError(f"smoothing must be at least 0, but is {smoothing}.")
    points, confidence = _split(keypoints)
    lengths = measure(points, confidence > 0)
    scale = SHOULDER_WIDTH / lengths.shoulders
    seen = _whole((points - _neck(points, confidence)) * scale, confidence > 0, smoothing)
    joints = np.zeros((len(seen), ALL_JOINTS, 3))
    if not confidence[:, NOSE].any():
        seen[:, NOSE, :2] = _FACING
    joints[..., :2] = seen[..., :2]
    joints[:, NOSE, 2] = -np.sqrt(np.maximum(_NOSE**2 - (seen[:, NOSE, :2] ** 2).sum(axis=-1), (0.3 * _NOSE) ** 2))
    for side, (shoulder, elbow, wrist, hand) in _SIDES.items():
        order = [shoulder, elbow, wrist, *range(hand.start, hand.stop)]
        joints[:, order] = _lift_arm(_arm(side, lengths), seen[:, order], confidence[:, order])
    joints[:, NECK] = 0.0
    pixels = joints / scale
    pixels[..., :2] += _whole(_neck(points, confidence), None, smoothing)[..., :2]
    return pixels


def _split(keypoints: NDArray[np.floating]) -> tuple[Array, Array]:
    """Take keypoints apart: (T, 50, 3) of x, y, z, NaN without depth, and confidences (T, 50); checked."""
    masked = np.ma.getmaskarray(keypoints).any(axis=-1) if np.ma.is_masked(keypoints) else None
    numbers: Array = np.array(np.ma.getdata(keypoints), dtype=np.float64)
    if numbers.ndim != 3 or numbers.shape[1:] not in ((ALL_JOINTS, 3), (ALL_JOINTS, 4)) or not len(numbers):
        raise ValueError(
            f"keypoints must have the shape (T, {ALL_JOINTS}, 3) or (T, {ALL_JOINTS}, 4), T at least 1, "
            f"but has {numbers.shape}."
        )
    if masked is not None:
        numbers[masked] = 0.0
    confidence, flat = numbers[..., -1], numbers[..., [0, 1, -1]]
    if not np.isfinite(flat).all():
        frame, joint, _ = np.argwhere(~np.isfinite(flat))[0]
        raise ValueError(f"keypoints must be finite, but are not in frame {frame}, joint {joint}.")
    if (confidence < 0).any():
        frame, joint = np.argwhere(confidence < 0)[0]
        raise ValueError(
            f"keypoints must have confidences of at least 0, but frame {frame}, joint {joint} has "
            f"{confidence[frame, joint]:g}."
        )
    never = [n for n in (NECK, *(joint for arm in _SIDES.values() for joint in arm[:3])) if not confidence[:, n].any()]
    if never:
        names = ", ".join(skeleton.BODY_JOINTS[joint] for joint in never)
        raise ValueError(f"keypoints must show every joint of the arms in some frame, but never show {names}.")
    depth = numbers[..., 2:3] if numbers.shape[2] == 4 else np.full_like(numbers[..., :1], np.nan)
    return np.concatenate([numbers[..., :2], depth], axis=-1), confidence


def _neck(points: Array, confidence: Array) -> Array:
    """Give the neck of every frame, (T, 1, 3), that of the nearest frame where it is absent; z is 0."""
    known = np.flatnonzero(confidence[:, NECK] > 0)
    nearest = known[np.abs(np.arange(len(points))[:, None] - known).argmin(axis=1)]
    return np.append(points[nearest, NECK, None, :2], np.zeros((len(points), 1, 1)), axis=-1)


def _whole(points: Array, known: NDArray[np.bool_] | None, sigma: float) -> Array:
    """Fill absent joints in time, hands from their wrists, and smooth: (T, J, 3); depth that no frame has stays NaN."""
    filled = points.copy()
    if known is not None:
        filled[~known] = np.nan
        for _, _, wrist, hand in _SIDES.values():
            filled[:, wrist, :2] = smoothed(filled[:, wrist, :2], 0)
            filled[:, hand, :2] -= filled[:, wrist, None, :2]
    for joint in range(filled.shape[1]):
        filled[:, joint, :2] = smoothed(filled[:, joint, :2], sigma)
        filled[:, joint, 2:] = smoothed(filled[:, joint, 2:], sigma)
    if known is not None:
        for _, _, wrist, hand in _SIDES.values():
            filled[:, hand, :2] += filled[:, wrist, None, :2]
    return filled


def _arm(side: str, lengths: Lengths) -> Arm:
    """Make an arm of these lengths out of the neutral body's."""
    from signdiff_core.avatar.arms import arm_of, hinges
    from signdiff_core.avatar.body import AvatarBody

    body = AvatarBody.named()
    own = arm_of(body, side)
    wanted = np.array([lengths.upper_arm, lengths.forearm]) * SHOULDER_WIDTH
    limbs = np.diff(own.rest[:3], axis=0)
    limbs *= (wanted / np.linalg.norm(limbs, axis=1))[:, None]
    joints = own.rest[:NUM_JOINTS].copy()
    joints[1:3] = joints[0] + np.cumsum(limbs, axis=0)
    hand = own.rest[HAND] - own.rest[WRIST]
    joints[HAND] = joints[WRIST] + hand * (lengths.palm * SHOULDER_WIDTH / own.palm_size)
    return Arm.of(joints, hinges(body, side))


def _lift_arm(arm: Arm, seen: Array, confidence: Array) -> Array:
    """Lift an arm's joints (T, 24, 3), normalised, z NaN without depth: (T, 24, 3)."""
    frames = len(seen)
    shoulder = np.append(seen[:, 0, :2], np.zeros((frames, 1)), axis=1)
    lengths = np.linalg.norm(np.diff(arm.rest[:3], axis=0), axis=1)
    places, weights = np.zeros((2, frames, len(arm.rest), 3))
    near, depth = shoulder, 0.0
    for joint, length, share in ((ELBOW, lengths[0], 0.5), (WRIST, lengths[1], 1.0)):
        across = ((seen[:, joint, :2] - near[:, :2]) ** 2).sum(axis=-1)
        depth = depth - share * np.sqrt(np.maximum(length**2 - across, (_LEAST * length) ** 2))
        places[:, joint, :2], places[:, joint, 2] = seen[:, joint, :2], depth
        near = places[:, joint]
    hand = seen[:, HAND].copy()
    hand[..., :2] -= seen[:, WRIST, None, :2]
    there = np.asarray(np.isfinite(hand[..., :2]).all(axis=-1))
    deep = np.isfinite(hand[..., 2]) & there
    places[:, HAND] = np.where(np.isfinite(hand), hand, 0.0)
    sure = np.maximum(confidence, 0.05)
    for part, which in (("elbow", slice(ELBOW, ELBOW + 1)), ("wrist", slice(WRIST, WRIST + 1)), ("hand", HAND)):
        weights[:, which, :2] = (sure[:, which] / _SIGMA[part])[..., None]
        weights[:, which, 2] = 1 / _DEPTH[part]
    weights[:, HAND, :2] *= there[..., None]
    weights[:, HAND, 2] *= deep
    weights[:, HAND.start] = 0

    def search(posture: Posture, places: Array, steps: int) -> Posture:
        goals = Goals(places=places, weights=weights, obstacle=_Chest(), clearance=_LOOSELY)
        return solve(arm, posture, shoulder, goals, steps=steps)

    calm = smoothed(places.reshape(frames, -1), _CALM).reshape(places.shape)
    begun = start(arm, _begin(arm, calm, shoulder, there, deep))
    posture = search(search(begun, calm, _STEPS[0]), places, _STEPS[1])
    for _ in range(_AGAIN):
        odd = _at_odds(arm.place(posture.angles, posture.base, shoulder).points, places)
        weights[odd, HAND] *= _DOUBT
        posture.angles[odd], posture.base[odd] = begun.angles[odd], begun.base[odd]
        arm = _with_bones_of(arm, arm.place(posture.angles, posture.base, shoulder).points, places, weights)
        posture = search(posture, places, _STEPS[1])
    points = arm.place(posture.angles, posture.base, shoulder).points[:, :NUM_JOINTS]
    return _followed(points, places[:, :NUM_JOINTS], sure * np.isfinite(seen[..., 0]))


def _at_odds(points: Array, places: Array) -> NDArray[np.bool_]:
    """Tell in which frames (T,) an arm's elbow or wrist is off the picture, since no arm has its hand so."""
    return np.asarray((np.linalg.norm((points - places)[:, [ELBOW, WRIST], :2], axis=-1) > _ODD).any(axis=1))


def _followed(points: Array, places: Array, sure: Array) -> Array:
    """Let the joints of an arm (T, 24, 3) follow the picture more closely, as far as it is sure.

    A hand of hinges comes near to what a detector marks, not all the way: each bone keeps its length and turns a
    little, from its depth towards where the picture has its end; one that would look too short loses depth.
    """
    seen = places[..., :2].copy()
    seen[:, HAND] += seen[:, WRIST, None]
    trust = np.minimum(sure, 1.0)[..., None]
    goals = trust * seen + (1 - trust) * points[..., :2]
    followed = points.copy()
    for near, far in ((0, ELBOW), (ELBOW, WRIST), *((HAND.start + a, HAND.start + b) for a, b in HAND_LIMBS)):
        bone = points[:, far] - points[:, near]
        length = np.linalg.norm(bone, axis=1, keepdims=True)
        across = goals[:, far] - followed[:, near, :2]
        most = np.sqrt(np.maximum(length**2 - (across**2).sum(axis=1, keepdims=True), 0))
        aim = np.append(across, np.clip(bone[:, 2:], -most, most), axis=1)
        followed[:, far] = followed[:, near] + unit(aim) * length
        if far == WRIST:
            followed[:, HAND.start] = followed[:, WRIST]
    return followed


def _with_bones_of(arm: Arm, points: Array, places: Array, weights: Array) -> Arm:
    """Give an arm the bones of the hand that fit the picture best, as its points (T, P, 3) lie now."""
    joints = arm.rest[:NUM_JOINTS].copy()
    hand, own = joints[HAND] - joints[WRIST], points[:, HAND]
    seen = places[:, HAND, :2].copy()
    weight = weights[:, HAND, 0] ** 2
    if not weight.any():
        return arm
    new = np.zeros_like(hand)
    for near, far in HAND_LIMBS:
        shown, lies = seen[:, far] - seen[:, near], (own[:, far] - own[:, near])[:, :2]
        sure = np.minimum(weight[:, far], weight[:, near] if near else weight[:, far])
        usual = 0.05 * len(points) * np.median(sure) * ((hand[far] - hand[near]) ** 2).sum()
        factor = ((sure * (shown * lies).sum(axis=1)).sum() + usual) / ((sure * (lies**2).sum(axis=1)).sum() + usual)
        new[far] = new[near] + np.clip(factor, 0.8, 1.25) * (hand[far] - hand[near])
    joints[HAND] = joints[WRIST] + new
    return Arm.of(joints, arm.axes[arm.knuckle])


def _begin(arm: Arm, places: Array, shoulder: Array, there: NDArray[np.bool_], deep: NDArray[np.bool_]) -> Array:
    """Give joints (T, 24, 3) to start from: without depth a hand points at the viewer; one that is not there, on."""
    joints = places[:, :NUM_JOINTS].copy()
    joints[:, 0] = shoulder
    fore = unit(joints[:, WRIST] - joints[:, ELBOW])
    straight = np.linalg.norm(arm.rest[HAND] - arm.rest[WRIST], axis=-1)[None, :, None] * fore[:, None]
    hand = np.where(there[..., None], joints[:, HAND], straight)
    away = ((arm.rest[HAND] - arm.rest[WRIST]) ** 2).sum(axis=-1) - (hand[..., :2] ** 2).sum(axis=-1)
    hand[..., 2] = np.where(there & ~deep, -np.sqrt(np.maximum(away, 0)), hand[..., 2])
    joints[:, HAND] = joints[:, WRIST, None] + hand
    return joints
