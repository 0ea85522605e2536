import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs signdiff-slp[corpora]")

from scipy.spatial.transform import Rotation

from signdiff_core.skeleton import LIMBS, RIGHT_HAND, RIGHT_WRIST, limb_lengths
from signdiff_slp.corpora.body import (
    Postures,
    between,
    forearm_axes,
    joints_from,
    limb_directions,
    minimum_jerk,
    palm_axes,
    reach,
    relaxed_fingers,
    rest,
    rest_pose,
    unit,
)


def other() -> Postures:
    rng = np.random.default_rng(0)
    turn = Rotation.from_rotvec([0.4, -0.9, 0.3])
    return Postures(
        nose=rest().nose,
        upper_arm=unit(np.array([[-0.4, 0.8, -0.3]])),
        forearm=unit(np.array([[0.1, -0.8, -0.5]])),
        palm=turn.as_matrix()[None],
        fingers=unit(relaxed_fingers() + 0.4 * rng.normal(size=(20, 3)))[None],
    )


def test_bones_keep_their_lengths_on_the_way():
    joints = joints_from(between(rest(), other(), np.linspace(0, 1, 17)))
    lengths = limb_lengths(joints, LIMBS)
    assert np.ptp(lengths, axis=0).max() < 1e-12


def test_ends_of_the_way():
    way = between(rest(), other(), np.array([0.0, 1.0]))
    assert joints_from(way)[0] == pytest.approx(joints_from(rest())[0])
    assert joints_from(way)[1] == pytest.approx(joints_from(other())[0])


def test_minimum_jerk_is_the_polynomial_of_flash_and_hogan():
    t = np.arange(1, 5) / 5
    assert minimum_jerk(4) == pytest.approx(10 * t**3 - 15 * t**4 + 6 * t**5)
    assert minimum_jerk(4) + minimum_jerk(4)[::-1] == pytest.approx(np.ones(4))


def test_forearm_axes_turn_the_viewer_s_direction_onto_the_forearm():
    forearm = unit(np.random.default_rng(0).normal(size=(50, 3)))
    axes = forearm_axes(forearm)
    assert axes @ np.array([0, 0, -1.0]) == pytest.approx(forearm)
    expected = [Rotation.align_vectors(f, [0, 0, -1.0])[0].magnitude() for f in forearm]
    assert Rotation.from_matrix(axes).magnitude() == pytest.approx(np.array(expected), abs=1e-6)


def test_palm_axes_follow_a_turned_hand():
    hand = joints_from(other())[:, RIGHT_HAND]
    turn = Rotation.from_rotvec([0.3, 1.1, -0.6]).as_matrix()
    assert palm_axes(hand @ turn.T) == pytest.approx(turn @ palm_axes(hand))


def test_directions_survive_the_joints():
    postures = other()
    hand = joints_from(postures)[:, RIGHT_HAND]
    in_space = postures.fingers @ (forearm_axes(postures.forearm) @ postures.palm).transpose(0, 2, 1)
    assert limb_directions(hand) == pytest.approx(in_space)


def test_the_arm_reaches():
    target = np.array([[-0.1, 0.05, -0.3], [0.2, 0.3, -0.1]])
    upper, forearm = reach(target, np.array([[-0.1, 0.3, 0.0]] * 2), 0.28, 0.27)
    assert 0.28 * upper + 0.27 * forearm == pytest.approx(target)


def test_an_arm_too_short_points_at_its_target():
    upper, forearm = reach(np.array([[0.0, 0.0, -2.0]]), np.array([[0.0, 1.0, 0.0]]), 0.28, 0.27)
    assert 0.28 * upper + 0.27 * forearm == pytest.approx(np.array([[0, 0, -0.55]]), abs=1e-3)


def test_rest_pose_hangs_and_is_symmetric():
    joints = rest_pose()
    assert joints.shape == (50, 3)
    assert joints.dtype == np.float32
    assert np.array_equal(joints[1], np.zeros(3))
    assert joints[5, 0] - joints[2, 0] == pytest.approx(1 / 3)
    mirrored = joints * [-1, 1, 1]
    assert joints[[5, 6, 7]] == pytest.approx(mirrored[[2, 3, 4]])
    assert joints[8:29] == pytest.approx(mirrored[29:50])
    assert joints[RIGHT_WRIST, 1] > 0.45
    assert joints[RIGHT_HAND.start] == pytest.approx(joints[RIGHT_WRIST])
    assert joints[30, 2] < joints[46, 2]  # the thumb is in front
