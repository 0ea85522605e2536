"""Lifting: bodies whose motion is known are seen by a camera, and found again in space."""

import numpy as np
import pytest
from pose_format import Pose

from signdiff_core.anatomy.rotations import about, unit
from signdiff_core.anatomy.solving import start
from signdiff_core.avatar import AvatarBody, fit
from signdiff_core.avatar.arms import arm_of
from signdiff_core.formats import normalise
from signdiff_core.lifting import lift, lift_pose, needs_lifting
from signdiff_core.skeleton import BODY_HANDS_FACE, LEFT_HAND, LIMBS, RIGHT_HAND, joints_of, limb_lengths, make_pose

WRISTS = [4, 7]


def performed(name: str = "old woman", frames: int = 24) -> np.ndarray:
    """Joints (T, 50, 3) of a body whose arms and hands move before it, palms to the viewer and to itself."""
    body = AvatarBody.named(name)
    time = np.linspace(0, 1, frames)[:, None]
    rng = np.random.default_rng(5)
    joints = np.tile(body.joint_rest.astype(float), (frames, 1, 1))
    for side, first, hand in (("L", 5, LEFT_HAND), ("R", 2, RIGHT_HAND)):
        arm = arm_of(body, side)
        phase, pace = rng.uniform(0, 2 * np.pi, (2, len(arm.parents)))
        swing = np.radians(15) * np.sin(phase + 2 * pace * time)
        angles = np.clip(arm.usual + swing, arm.low, arm.high)
        angles[:, :3] = 0.15 * np.sin(phase[:3] + pace[:3] * time)
        angles[:, 3] = np.radians(95) + 0.3 * np.sin(pace[3] * time[:, 0])
        angles[:, 4] = np.linspace(-1.2, 1.2, frames)
        base = np.broadcast_to(about(np.array([1.0, 0, 0]), np.radians(-40.0)), (frames, 3, 3))
        points = arm.place(angles, base, np.broadcast_to(arm.rest[0], (frames, 3))).points
        joints[:, first : first + 3], joints[:, hand] = points[:, :3], points[:, 3:24]
    # Detectors mark shoulders further in and further up than the joints are.
    joints[:, [2, 5]] = joints[:, [2, 5]] * [0.9, 1, 1] + [0, -0.03, 0]
    joints[:, 1] = joints[:, [2, 5]].mean(axis=1)
    return joints


def seen(joints: np.ndarray, *, away: float = np.inf, noise: float = 0.0) -> np.ndarray:
    """Keypoints (T, 50, 3) in pixels, shoulders 200 apart, of a camera that is so far away, in normalised units."""
    nearer = 1.0 if np.isinf(away) else (away / (away + joints[..., 2:]))
    pixels = joints[..., :2] * nearer * 600 + 640
    pixels += np.random.default_rng(0).normal(0, noise * 200, pixels.shape) if noise else 0
    return np.concatenate([pixels, np.ones_like(pixels[..., :1])], axis=-1)


def depth_error(found: np.ndarray, joints: np.ndarray, which: object) -> float:
    """Median error in depth, in shoulder widths, from the neck."""
    ours, theirs = (normalise(each, np.ones(each.shape[:2]))[:, which, 2] for each in (found, joints))
    return float(np.median(np.abs(ours - theirs))) * 3


@pytest.mark.parametrize(("away", "noise"), [(np.inf, 0.0), (2.5, 0.01)])
def test_depth_is_found_for_bodies_of_other_proportions(away, noise):
    """A limb's depth is the square root of a small difference: an error in its length of a tenth is one of 0.3."""
    for which, most in ((WRISTS, 0.3), (range(8, 50), 0.3)):
        errors, flat = [], []
        for name in ("person", "old woman", "young slim man", "young sturdy woman"):
            joints = performed(name)
            errors.append(depth_error(lift(seen(joints, away=away, noise=noise)), joints, which))
            flat.append(depth_error(joints * [1, 1, 0], joints, which))
        assert np.mean(errors) < most
        assert np.mean(errors) < 0.7 * np.mean(flat)


def test_joints_stay_where_the_picture_has_them():
    keypoints = seen(performed(), noise=0.005)
    off = np.linalg.norm(lift(keypoints, smoothing=0)[..., :2] - keypoints[..., :2], axis=-1)
    assert off.mean() < 0.015 * 200


def test_fingers_bend_towards_the_palm_whichever_way_it_faces():
    joints = performed("person")
    found = lift(seen(joints))
    for hand in (LEFT_HAND, RIGHT_HAND):
        ours, theirs = (unit(each[:, hand][:, 5:] - each[:, hand.start, None])[..., 2] for each in (found, joints))
        assert (np.sign(ours) == np.sign(theirs))[np.abs(theirs) > 0.3].mean() > 0.85


def test_the_depth_of_a_detector_counts_for_hands():
    joints = performed("person")
    keypoints = seen(joints)
    z = np.full((*joints.shape[:2], 1), np.nan)
    for hand in (LEFT_HAND, RIGHT_HAND):
        z[:, hand] = 600 * (joints[:, hand, 2:] - joints[:, hand.start, None, 2:])
    deep = lift(np.concatenate([keypoints[..., :2], z, keypoints[..., 2:]], axis=-1))
    errors = []
    for found in (deep, lift(keypoints)):
        hands = [found[:, hand] - found[:, hand.start, None] for hand in (LEFT_HAND, RIGHT_HAND)]
        true = [joints[:, hand] - joints[:, hand.start, None] for hand in (LEFT_HAND, RIGHT_HAND)]
        errors.append(np.quantile(np.abs(np.array(hands)[..., 2] / 600 - np.array(true)[..., 2]), 0.95))
    assert errors[0] < 0.7 * errors[1], "what bodies cannot tell is told"


def test_bones_keep_their_lengths():
    found = lift(seen(performed(), noise=0.01))
    hands = [n for n, limb in enumerate(LIMBS) if limb[0] >= 8]
    lengths = limb_lengths(found)[:, hands]
    np.testing.assert_allclose(lengths, np.tile(lengths[:1], (len(lengths), 1)), rtol=1e-6)


def test_gaps_are_filled_and_what_is_seen_elsewhere_does_not_move():
    keypoints = seen(performed("person"))
    gap = keypoints.copy()
    gap[10:12, RIGHT_HAND, 2] = 0
    whole, filled = lift(keypoints, smoothing=0), lift(gap, smoothing=0)
    assert np.abs(filled - whole)[:, LEFT_HAND, :2].max() < 0.05 * 200
    assert np.abs(filled - whole)[10:12, RIGHT_HAND, :2].max() < 0.25 * 200


def test_where_points_without_confidence_lie_does_not_count():
    keypoints = seen(performed("person"))
    keypoints[10:15, [4, 40], 2] = 0
    wrong = keypoints.copy()
    wrong[10:15, [4, 40], :2] = 3, 4
    before = wrong.copy()
    np.testing.assert_array_equal(lift(wrong), lift(keypoints))
    np.testing.assert_array_equal(wrong, before)


def test_a_masked_point_is_one_without_confidence():
    keypoints = seen(performed("person", frames=6))
    absent = keypoints.copy()
    absent[2, 30] = 0
    masked = np.ma.masked_array(keypoints, mask=False)
    masked[2, 30, 0] = np.ma.masked
    np.testing.assert_array_equal(lift(masked), lift(absent))


def test_a_hand_that_is_away_goes_with_its_arm():
    keypoints = seen(performed("person"))
    keypoints[..., 0] += 20 * np.arange(len(keypoints))[:, None]
    keypoints[8:, LEFT_HAND] = 0
    found = lift(keypoints)
    away = np.linalg.norm(found[:, LEFT_HAND] - found[:, [7]], axis=-1)
    assert away.max() < 200, "a hand is shorter than the shoulders are wide"


def test_moved_and_larger_pictures_give_moved_and_larger_joints():
    keypoints = seen(performed("person"))
    other = lift(keypoints * [2, 2, 1] + [30, 40, 0])
    np.testing.assert_allclose(other, lift(keypoints) * 2 + [30, 40, 0], atol=0.01)


def test_smoothing_makes_noise_small():
    keypoints = seen(performed("person"), noise=0.02)

    def shaking(smoothing):
        return np.abs(np.diff(lift(keypoints, smoothing=smoothing), n=2, axis=0)).mean()

    assert shaking(2.0) < 0.6 * shaking(0.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda k: k[:, :21], r"keypoints must have the shape \(T, 50, 3\) or \(T, 50, 4\)"),
        (lambda k: np.where(np.arange(50)[:, None] == 7, np.nan, k), "must be finite, but are not in frame 0, joint 7"),
        (lambda k: k * [1, 1, -1], "must have confidences of at least 0, but frame 0, joint 0 has -1"),
        (lambda k: k * (np.arange(50)[:, None] != 4), "but never show RIGHT_WRIST"),
        (lambda k: np.where(np.arange(50)[:, None] == 2, k[:, 5:6], k), "must show both shoulders, apart"),
    ],
)
def test_bad_keypoints_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        lift(change(seen(performed(frames=3))))
    with pytest.raises(ValueError, match="smoothing must be at least 0, but is -1"):
        lift(seen(performed(frames=3)), smoothing=-1)


def in_pixels(keypoints: np.ndarray, sure: np.ndarray) -> Pose:
    """A pose of what `seen` gives, without depth."""
    pose = make_pose(keypoints * [1, 1, 0], 25, confidence=sure)
    pose.header.dimensions = type(pose.header.dimensions)(1280, 720, 0)
    return pose


class TestPoses:
    def test_a_pose_in_pixels_without_depth_is_lifted_and_keeps_what_is_absent(self):
        keypoints = seen(performed("person"))
        confidence = keypoints[..., 2].copy()
        confidence[3:5, LEFT_HAND] = 0
        flat = make_pose(keypoints * [1, 1, 0], 24, confidence=confidence)
        flat.header.dimensions = type(flat.header.dimensions)(1280, 720, 0)
        assert needs_lifting(flat)
        lifted = lift_pose(flat)
        joints, sure = joints_of(lifted)
        np.testing.assert_array_equal(sure, confidence.astype(np.float32))
        assert not needs_lifting(lifted)
        assert lifted.body.fps == 24
        assert joints[:, WRISTS, 2].max() < -0.05, "hands are before the body"

    def test_the_face_stays_beside_the_joints(self):
        keypoints = seen(performed("person"))
        face = np.tile([640.0, 500.0, 0.0], (len(keypoints), 74, 1))
        points = np.concatenate([keypoints * [1, 1, 0], face], axis=1)
        pose = BODY_HANDS_FACE.make_pose(points, 25)
        pose.header.dimensions = type(pose.header.dimensions)(1280, 720, 0)
        lifted = BODY_HANDS_FACE.arrays(lift_pose(pose))[0]
        away = (np.array([640, 500]) - keypoints[:, 1, :2]) / 540  # shoulders 180 pixels apart
        np.testing.assert_allclose(lifted[:, 60, :2], away, atol=2e-3)

    def test_an_arm_that_nobody_saw_stays_absent_and_hangs(self):
        keypoints = seen(performed("person"))
        sure = np.ones(keypoints.shape[:2])
        sure[:, [6, 7, *range(8, 29)]] = 0
        joints, confidence = joints_of(lift_pose(in_pixels(keypoints, sure)))
        np.testing.assert_array_equal(confidence, sure)
        assert np.isfinite(joints).all()
        assert (fit(AvatarBody.named(), joints, confidence).joints[:, 7, 1] > 0.4).all()

    def test_a_nose_that_nobody_saw_is_no_error(self):
        keypoints = seen(performed("person"))
        sure = np.ones(keypoints.shape[:2])
        sure[:, 0] = 0
        whole, cut = (joints_of(lift_pose(in_pixels(keypoints, each)))[0] for each in (np.ones_like(sure), sure))
        assert np.isfinite(lift(np.concatenate([keypoints[..., :2], sure[..., None]], axis=-1))).all()
        np.testing.assert_allclose(cut[:, 1:], whole[:, 1:], atol=1e-6)

    def test_depth_that_is_there_needs_no_lifting(self):
        assert not needs_lifting(make_pose(performed("person"), 25))


def test_every_frame_starts_by_itself():
    """A hand that seems to turn about its forearm again and again is where it is, however often it turned before."""
    arm = arm_of(AvatarBody.named(), "R")
    angles = np.tile(arm.usual, (40, 1))
    angles[:, 3], angles[:, 4] = 1.2, np.linspace(0, -4 * np.pi, 40)
    joints = arm.place(angles, np.broadcast_to(np.eye(3), (40, 3, 3)), np.zeros((40, 3))).points[:, :24]
    twists = start(arm, joints).angles[:, 4]
    np.testing.assert_allclose(twists, [start(arm, one[None]).angles[0, 4] for one in joints], atol=1e-12)
    within = np.abs(np.angle(np.exp(1j * angles[:, 4]))) < 2.0
    np.testing.assert_allclose(twists[within], np.angle(np.exp(1j * angles[within, 4])), atol=0.35)
