"""Inverse kinematics: what a body does follows the data's directions, whatever the data's bones."""

import warnings

import numpy as np
import pytest

from signdiff_core.anatomy.rotations import about, unit
from signdiff_core.avatar import AvatarBody, Motion, fit
from signdiff_core.avatar.arms import arm_of
from signdiff_core.skeleton import (
    HAND_LIMBS,
    LEFT_ELBOW,
    LEFT_HAND,
    LEFT_WRIST,
    LIMBS,
    RIGHT_ELBOW,
    RIGHT_HAND,
    RIGHT_WRIST,
    limb_lengths,
)

RIGHT_FINGERS = [7 + 20 + n for n in range(4, 20)]
"""The limbs of the right hand but for the thumb."""


@pytest.fixture
def body():
    return AvatarBody.named()


def direction_errors(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Angles between the limbs of two poses (..., 50, 3): (..., limbs) degrees."""
    ends = np.array(LIMBS)
    a, b = (np.asarray(j, dtype=np.float64)[..., ends[:, 1], :] - j[..., ends[:, 0], :] for j in (found, wanted))
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return np.degrees(np.arccos(np.clip((a * b).sum(axis=-1) / lengths, -1, 1)))


def bent(body: AvatarBody, angles: np.ndarray) -> np.ndarray:
    """Joints (T, 50, 3) of a body at rest whose right fingers' joints (T, 3) bend about their own hinges."""
    turns = np.tile(np.eye(3), (len(angles), len(body.heads), 1, 1))
    for finger in range(2, 6):
        for joint in range(1, 4):
            bone = body.bone(f"finger{finger}-{joint}.R")
            hinge = body.axes[body.bone(f"finger{finger}-1.R"), :, 0].astype(float)
            parent = body.cast.parents[bone]
            turns[:, bone] = turns[:, parent] @ about(hinge, angles[:, joint - 1])
    return Motion(body=body, turns=turns.astype(np.float32)).joints


def test_no_rotation_leaves_the_joints_at_rest(body):
    turns = np.tile(np.eye(3, dtype=np.float32), (2, len(body.heads), 1, 1))
    np.testing.assert_allclose(Motion(body=body, turns=turns).joints, np.tile(body.joint_rest, (2, 1, 1)), atol=1e-6)


@pytest.mark.parametrize("name", ["person", "old man", "young sturdy woman"])
def test_a_body_keeps_its_bones(pose, name):
    body = AvatarBody.named(name)
    motion = fit(body, pose.body.data[:, 0].filled())
    rest = limb_lengths(body.joint_rest)
    moving = [n for n, limb in enumerate(LIMBS) if limb != (0, 1)]
    found = limb_lengths(motion.joints)[:, moving]
    np.testing.assert_allclose(found, np.tile(rest[moving], (len(motion), 1)), rtol=1e-3)


def signing(body: AvatarBody, frames: int = 10) -> np.ndarray:
    """Joints (T, 50, 3) of a body whose arms and hands move smoothly before it, within what joints allow."""
    time = np.linspace(0, 1, frames)[:, None]
    rng = np.random.default_rng(3)
    joints = np.tile(body.joint_rest.astype(float), (frames, 1, 1))
    for side, first, hand in (("L", 5, LEFT_HAND), ("R", 2, RIGHT_HAND)):
        arm = arm_of(body, side)
        phase, pace = rng.uniform(0, 2 * np.pi, (2, len(arm.parents)))
        angles = np.clip(arm.usual + np.radians(12) * np.sin(phase + pace * time), arm.low, arm.high)
        angles[:, :3] = 0.1 * np.sin(phase[:3] + pace[:3] * time)
        angles[:, 3] = np.radians(95) + 0.2 * np.sin(pace[3] * time[:, 0])
        base = np.broadcast_to(about(np.array([1.0, 0, 0]), np.radians(-35.0)), (frames, 3, 3))
        points = arm.place(angles, base, np.broadcast_to(arm.rest[0], (frames, 3))).points
        joints[:, first : first + 3], joints[:, hand] = points[:, :3], points[:, 3:24]
    return joints


def test_what_a_body_does_is_found_again(body):
    joints = signing(body)
    found = fit(body, joints, smoothing=0, seen=False).joints
    np.testing.assert_allclose(found[:, :8], joints[:, :8], atol=4e-3)
    for hand in (LEFT_HAND, RIGHT_HAND):
        own, given = (each[:, hand] - each[:, hand.start, None] for each in (found, joints))
        assert np.linalg.norm(own - given, axis=-1).mean() < 0.004


@pytest.mark.parametrize("name", ["old man", "young sturdy woman"])
def test_hands_of_another_body_are_where_the_signer_has_them(body, name):
    joints = signing(body)
    found = fit(AvatarBody.named(name), joints, smoothing=0, seen=False).joints
    for hand, wrist in ((LEFT_HAND, LEFT_WRIST), (RIGHT_HAND, RIGHT_WRIST)):
        assert np.abs(found[:, wrist, :2] - joints[:, wrist, :2]).max() < 0.025, "one is near the face, which differs"
        own, given = (each[:, hand] - each[:, hand.start, None] for each in (found, joints))
        angles = np.sum(unit(own[:, 5:]) * unit(given[:, 5:]), axis=-1)
        assert np.degrees(np.arccos(np.clip(angles, -1, 1))).mean() < 5


def test_marked_shoulders_are_not_the_joints_that_arms_turn_about(body):
    joints = signing(body)
    marked, own = (fit(body, joints, smoothing=0, seen=seen).joints[:, RIGHT_WRIST] for seen in (True, False))
    scale = (marked - marked.mean(axis=0))[:, :2].std() / (own - own.mean(axis=0))[:, :2].std()
    assert 0.7 < scale < 0.95, "detectors mark shoulders further in, and wrists further out, which turn"
    assert -0.06 < (marked - own)[:, 1].mean() < 0, "and further up"


def test_hands_that_touch_stay_together(body):
    joints = signing(body)
    tips = joints[:, [LEFT_HAND.start + 8, RIGHT_HAND.start + 8]]
    for hand, wrist, elbow, tip in ((LEFT_HAND, LEFT_WRIST, LEFT_ELBOW, 0), (RIGHT_HAND, RIGHT_WRIST, RIGHT_ELBOW, 1)):
        way = tips.mean(axis=1) - tips[:, tip]
        joints[:, hand] += way[:, None]
        joints[:, wrist] += way
        joints[:, elbow] += way / 2
    for name in ("person", "young slim man"):
        found = fit(AvatarBody.named(name), joints, smoothing=0, seen=False).joints
        apart = np.linalg.norm(found[:, LEFT_HAND.start + 8] - found[:, RIGHT_HAND.start + 8], axis=-1)
        assert np.median(apart) < 0.04, "a tenth of the shoulders' width, where both were at one place"


def test_a_hand_at_the_face_is_at_the_face_of_any_body(body):
    """A signer with a shorter neck touches the nose; the body's own nose is higher."""
    joints = signing(body)
    joints[:, 0] += [0.0, 0.05, 0.0]
    way = joints[:, 0] - joints[:, RIGHT_HAND.start + 8]
    joints[:, RIGHT_HAND] += way[:, None]
    joints[:, RIGHT_WRIST] += way
    joints[:, RIGHT_ELBOW] += way / 2
    joints[:, [LEFT_WRIST, *range(LEFT_HAND.start, LEFT_HAND.stop)], 1] += 0.25
    found = fit(body, joints, smoothing=0, seen=False).joints
    off = found[:, RIGHT_HAND.start + 8, :2] - found[:, 0, :2]
    assert np.linalg.norm(off, axis=-1).mean() < 0.02
    assert np.abs(found[:, LEFT_WRIST, :2] - joints[:, LEFT_WRIST, :2]).max() < 0.01, "the other hand stays"


@pytest.mark.parametrize("name", ["person", "old man"])
def test_a_badly_seen_hand_still_touches_what_it_touched(body, name):
    """A detector marks a hand too small, with fingers that no hinge bends so; the tip is at the nose all the same."""
    joints = signing(body)
    tip = joints[:, RIGHT_HAND.start + 8].copy()
    hand = tip[:, None] + 0.73 * (joints[:, RIGHT_HAND] - tip[:, None])
    hand[:, 1:, :2] += np.random.default_rng(0).normal(scale=0.008, size=(1, 20, 2))
    way = joints[:, 0] - hand[:, 8]
    joints[:, RIGHT_HAND] = hand + way[:, None]
    joints[:, RIGHT_WRIST] = joints[:, RIGHT_HAND.start]
    found = fit(AvatarBody.named(name), joints, smoothing=0, seen=False).joints
    assert np.linalg.norm((found[:, RIGHT_HAND.start + 8] - found[:, 0])[:, :2], axis=-1).mean() < 0.005


def test_no_hand_is_inside_the_body(body):
    """The chest is about 0.13 before the shoulders: hands whose depth is unknown come to lie on it, not in it."""
    joints = signing(body)
    flat = joints.copy()
    for hand, wrist, elbow in ((LEFT_HAND, LEFT_WRIST, LEFT_ELBOW), (RIGHT_HAND, RIGHT_WRIST, RIGHT_ELBOW)):
        flat[:, hand, :2] += (np.array([0.0, 0.2]) - joints[:, wrist, :2])[:, None]
        flat[:, wrist, :2] = 0.0, 0.2
        flat[:, [wrist, elbow], 2] = 0.0
        flat[:, hand, 2] -= flat[:, hand.start, None, 2]
    found = fit(body, flat, smoothing=0, seen=False)
    trunk = [n for n, bone in enumerate(body.cast.bones) if bone.startswith("spine")]
    skin = body.vertices[np.isin(body.bone_index[:, 0], trunk)]
    for hand in (LEFT_HAND, RIGHT_HAND):
        for point in found.joints[:, hand].reshape(-1, 3):
            near = skin[np.linalg.norm(skin[:, :2] - point[:2], axis=1) < 0.015, 2]
            assert not len(near) or point[2] < near.min() + 0.005


def test_natural_fingers_are_found_again(body):
    angles = np.radians([[0, 0, 0], [20, 40, 25], [60, 70, 40], [75, 90, 55]])
    joints = bent(body, angles)
    for other, tolerance in ((body, 1.5), (AvatarBody.named("young sturdy man"), 6)):
        errors = direction_errors(fit(other, joints, smoothing=0, seen=False).joints, joints)
        assert np.median(errors[:, RIGHT_FINGERS]) < tolerance


def test_the_size_of_the_hand_does_not_matter(body):
    joints = signing(body)
    larger = joints.copy()
    for hand in (LEFT_HAND, RIGHT_HAND):
        larger[:, hand] = joints[:, hand.start, None] + 1.3 * (joints[:, hand] - joints[:, hand.start, None])
    found, plain = fit(body, larger, seen=False).joints, fit(body, joints, seen=False).joints
    for hand in (LEFT_HAND, RIGHT_HAND):
        own, given = (each[:, hand] - each[:, hand.start, None] for each in (found, plain))
        assert np.linalg.norm(own - given, axis=-1).mean() < 0.01, "near the face, wrists move so that fingertips stay"


def test_fingers_do_not_bend_backwards(body):
    joints = bent(body, np.radians([[-60.0, -60.0, -60.0]]))
    turned = fit(body, joints, smoothing=0).turns[0]
    for finger in range(2, 6):
        hinge = body.axes[body.bone(f"finger{finger}-1.R"), :, 0]
        first, second = (turned[body.bone(f"finger{finger}-{joint}.R")] for joint in (1, 2))
        relative = first.T @ second
        assert np.degrees(np.arcsin(np.clip(relative[2, 1] * hinge[0] + relative[0, 2] * hinge[1], -1, 1))) > -25


def test_an_absent_left_arm_hangs_with_relaxed_fingers(body, pose):
    joints = pose.body.data[:, 0].filled()
    confidence = np.ones(joints.shape[:2])
    confidence[:, [LEFT_ELBOW, LEFT_WRIST]] = 0
    confidence[:, LEFT_HAND] = 0
    unknown = np.where(confidence[..., None] > 0, joints, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hanging = fit(body, joints, confidence)
        same = fit(body, unknown)
    np.testing.assert_array_equal(hanging.turns, same.turns)
    shoulder, elbow, wrist = hanging.joints[:, [5, 6, 7]].swapaxes(0, 1)
    assert (elbow[:, 1] > shoulder[:, 1] + 0.2).all()
    assert (wrist[:, 1] > elbow[:, 1] + 0.15).all()
    assert (hanging.joints[:, LEFT_HAND][:, 1:, 1] > wrist[:, None, 1] - 0.02).all()
    right = fit(body, joints).joints
    np.testing.assert_allclose(hanging.joints[:, RIGHT_HAND], right[:, RIGHT_HAND], atol=1e-6)


def test_nothing_known_stands_at_ease(body):
    motion = fit(body, np.full((2, 50, 3), np.nan))
    assert np.isfinite(motion.joints).all()
    assert (motion.joints[:, [RIGHT_WRIST, LEFT_WRIST], 1] > 0.35).all()


def test_a_gap_in_time_is_bridged(body):
    joints = signing(body)
    gap = joints.copy()
    gap[2, [RIGHT_ELBOW, RIGHT_WRIST]] = np.nan
    gap[2, RIGHT_HAND] = np.nan
    found, whole = (fit(body, each, smoothing=0).joints for each in (gap, joints))
    np.testing.assert_allclose(found, whole, atol=0.03)


def test_jitter_stays_jitter_and_smoothing_calms_it(body):
    rng = np.random.default_rng(0)
    joints = np.repeat(signing(body)[:1], 30, axis=0) + rng.normal(0, 0.004, (30, 50, 3))
    fitted = [fit(body, joints, smoothing=sigma, seen=False).joints for sigma in (0, 1.5)]
    given, rough, calm = (np.abs(np.diff(each, axis=0))[:, LEFT_ELBOW:].mean() for each in (joints, *fitted))
    assert rough < 2 * given
    assert calm < 0.5 * rough


def test_a_turned_head_is_followed(body):
    joints = np.tile(body.joint_rest, (3, 1, 1))
    joints[:, 0] += [[-0.03, 0, 0], [0, 0, 0], [0.03, 0, 0]]
    nose = fit(body, joints, smoothing=0, seen=False).joints[:, 0]
    assert nose[0, 0] < -0.012
    assert nose[2, 0] > 0.012
    np.testing.assert_allclose(nose[1], body.joint_rest[0], atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"joints": np.zeros((2, 21, 3))}, r"joints must have the shape \(T, 50, 3\)"),
        ({"joints": np.zeros((0, 50, 3))}, r"with T > 0, but has \(0, 50, 3\)"),
        ({"joints": np.zeros((2, 50, 3)), "confidence": np.ones((3, 50))}, r"confidence must have the shape \(2, 50\)"),
        ({"joints": np.zeros((2, 50, 3)), "smoothing": -1}, "smoothing must be at least 0, but is -1"),
    ],
)
def test_bad_arguments_are_refused(body, arguments, message):
    with pytest.raises(ValueError, match=message):
        fit(body, **arguments)


@pytest.mark.realdata
def test_real_sentences_are_followed(body, realdata):
    """PHOENIX poses have bones of their own and rough hands; wrists keep their places, hands what joints allow."""
    from signdiff_core.formats import read
    from signdiff_core.skeleton import joints_of

    joints, confidence = joints_of(read(realdata / "phoenix14t-skels" / "dev.skels", index=0))
    motion = fit(body, joints, confidence, smoothing=0)
    errors = direction_errors(motion.joints, joints)
    assert np.isfinite(motion.turns).all()
    off = motion.joints[:, [RIGHT_WRIST, LEFT_WRIST], :2] - 0.89 * joints[:, [RIGHT_WRIST, LEFT_WRIST], :2]
    assert np.median(np.abs(off - [0, -0.026])) < 0.01
    hands = [7 + hand * 20 + n for hand in (0, 1) for n in range(len(HAND_LIMBS))]
    assert np.nanmedian(errors[:, hands]) < 20
