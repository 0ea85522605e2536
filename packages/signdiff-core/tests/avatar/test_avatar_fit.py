"""Inverse kinematics: what a body does follows the data's directions, whatever the data's bones."""

import warnings

import numpy as np
import pytest

from signdiff_core.avatar import AvatarBody, Motion, fit
from signdiff_core.avatar.rotations import about
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

ARMS = [LIMBS.index(limb) for limb in ((2, 3), (3, 4), (5, 6), (6, 7))]
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


def test_arms_point_where_the_data_points(body, pose):
    joints = pose.body.data[:, 0].filled()
    errors = direction_errors(fit(body, joints, smoothing=0).joints, joints)
    assert errors[:, ARMS].max() < 0.5


def test_natural_fingers_are_found_again(body):
    angles = np.radians([[0, 0, 0], [20, 40, 25], [60, 70, 40], [75, 90, 55]])
    joints = bent(body, angles)
    for other, tolerance in ((body, 1.5), (AvatarBody.named("young sturdy man"), 6)):
        errors = direction_errors(fit(other, joints, smoothing=0).joints, joints)
        assert np.median(errors[:, RIGHT_FINGERS]) < tolerance


def test_fitting_again_changes_little(body, pose):
    once = fit(body, pose.body.data[:, 0].filled(), smoothing=0)
    twice = fit(body, once.joints, smoothing=0)
    errors = direction_errors(twice.joints, once.joints)
    assert np.median(errors) < 0.5
    assert errors.max() < 15, "only the thumbs, which follow their neighbours, may move"


def test_lengths_of_the_data_do_not_matter(body, pose):
    joints = pose.body.data[:, 0].filled().astype(np.float64)
    longer = joints.copy()
    for shoulder, elbow, wrist, hand in ((2, 3, 4, RIGHT_HAND), (5, 6, 7, LEFT_HAND)):
        longer[:, elbow] = joints[:, shoulder] + 1.4 * (joints[:, elbow] - joints[:, shoulder])
        longer[:, wrist] = longer[:, elbow] + 0.7 * (joints[:, wrist] - joints[:, elbow])
        longer[:, hand] = longer[:, wrist, None] + 1.2 * (joints[:, hand] - joints[:, wrist, None])
    found, plain = fit(body, longer).joints, fit(body, joints).joints
    np.testing.assert_allclose(found[:, RIGHT_HAND], plain[:, RIGHT_HAND], atol=3e-4)
    np.testing.assert_allclose(found[:, :8], plain[:, :8], atol=2e-3)


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


def test_a_gap_in_time_is_bridged(body, pose):
    joints = pose.body.data[:, 0].filled().astype(np.float64)
    gap = joints.copy()
    gap[2, [RIGHT_ELBOW, RIGHT_WRIST]] = np.nan
    gap[2, RIGHT_HAND] = np.nan
    np.testing.assert_allclose(fit(body, gap, smoothing=0).joints, fit(body, joints, smoothing=0).joints, atol=0.02)


def test_smoothing_calms_jitter(body, pose):
    rng = np.random.default_rng(0)
    joints = np.repeat(pose.body.data[:1, 0].filled(), 30, axis=0) + rng.normal(0, 0.004, (30, 50, 3))
    rough, calm = (np.abs(np.diff(fit(body, joints, smoothing=s).joints, axis=0)).mean() for s in (0, 1.5))
    assert calm < 0.5 * rough


def test_a_turned_head_is_followed(body):
    joints = np.tile(body.joint_rest, (3, 1, 1))
    joints[:, 0] += [[-0.03, 0, 0], [0, 0, 0], [0.03, 0, 0]]
    nose = fit(body, joints, smoothing=0).joints[:, 0]
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
    """PHOENIX poses have bones of their own and rough hands; arms follow exactly, hands within what joints allow."""
    from signdiff_core.formats import read
    from signdiff_core.skeleton import joints_of

    joints, confidence = joints_of(read(realdata / "phoenix14t-skels" / "dev.skels", index=0))
    motion = fit(body, joints, confidence, smoothing=0)
    errors = direction_errors(motion.joints, joints)
    assert np.isfinite(motion.turns).all()
    assert np.median(errors[:, ARMS]) < 1
    hands = [7 + hand * 20 + n for hand in (0, 1) for n in range(len(HAND_LIMBS))]
    assert np.nanmedian(errors[:, hands]) < 20
