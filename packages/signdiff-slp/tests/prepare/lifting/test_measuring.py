import numpy as np
import pytest

from signdiff_core.skeleton import LIMBS as SKELETON_LIMBS
from signdiff_slp.prepare.lifting.measuring import (
    BONES,
    CARRYING,
    LIMBS,
    interpolate,
    log_bone_lengths,
    seen_nearby,
)


def test_every_joint_is_carried_once():
    assert sorted(limb.far for limb in LIMBS) == [joint for joint in range(50) if joint != 1]
    # The skeleton's limbs, and from each wrist to its hand.
    pairs = {frozenset(limb[:2]) for limb in LIMBS}
    assert pairs == {frozenset(pair) for pair in SKELETON_LIMBS} | {frozenset((7, 8)), frozenset((4, 29))}


def test_limbs_carry_what_hangs_on_them():
    ways = {
        joint: [tuple(LIMBS[number][:2]) for number in np.flatnonzero(CARRYING[:, joint])] for joint in (0, 1, 4, 28)
    }
    assert ways[0] == [(1, 0)]
    assert ways[1] == []
    assert ways[4] == [(1, 2), (2, 3), (3, 4)]
    assert ways[28] == [(1, 5), (5, 6), (6, 7), (7, 8), (8, 25), (25, 26), (26, 27), (27, 28)]


def test_bones_of_both_sides_are_one():
    bone = {frozenset(limb[:2]): limb.bone for limb in LIMBS}
    assert bone[frozenset((2, 3))] == bone[frozenset((5, 6))] == 2
    assert bone[frozenset((8, 9))] == bone[frozenset((29, 30))] == 5
    assert bone[frozenset((27, 28))] == bone[frozenset((48, 49))] == 24
    assert sorted(set(BONES)) == list(range(25))


def test_the_lower_of_two_middle_lengths():
    points = np.zeros((1, 50, 2))
    points[0, 2], points[0, 5] = (3, 4), (0, 6)
    lengths = np.exp(log_bone_lengths(points))
    assert lengths[:2] == pytest.approx([1e-6, 5])


def grown_window(points, weights):
    """As published: a window for each point, grown until it weighs enough."""
    result = np.empty_like(points)
    for t, joint in np.ndindex(weights.shape):
        reach = 0
        while True:
            window = slice(max(t - reach, 0), t + reach + 1)
            if weights[window, joint].sum() >= 0.99 or (window.start == 0 and window.stop >= len(points)):
                break
            reach += 1
        result[t, joint] = np.average(points[window, joint], axis=0, weights=weights[window, joint])
    return result


def test_equals_a_window_grown_for_each_point():
    rng = np.random.default_rng(0)
    points, weights = rng.normal(size=(40, 6, 2)), rng.uniform(size=(40, 6)) ** 3
    weights[rng.uniform(size=(40, 6)) < 0.3] = 0
    weights[:, 5] = 0
    weights[7, 5] = 0.1
    assert np.abs(interpolate(points, weights) - grown_window(points, weights)).max() < 1e-12


def test_certain_points_stay():
    points = np.random.default_rng(0).normal(size=(5, 3, 2))
    assert (interpolate(points, np.ones((5, 3))) == points).all()
    assert (interpolate(points, np.full((5, 3), 0.99)) == points).all()


def test_seen_nearby():
    weights = np.zeros((40, 2))
    weights[20, 1] = 0.01
    seen = seen_nearby(weights)
    assert not seen[:, 0].any()
    assert np.flatnonzero(seen[:, 1]).tolist() == list(range(8, 33))
