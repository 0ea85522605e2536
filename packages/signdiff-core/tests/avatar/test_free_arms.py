"""Poses of both arms that no corpus has."""

import numpy as np
import pytest

from signdiff_core.avatar.free_arms import SPACE, free_arms, signing_arms
from signdiff_core.skeleton import (
    LEFT_ELBOW,
    LEFT_HAND,
    LEFT_SHOULDER,
    LEFT_WRIST,
    NOSE,
    RIGHT_ELBOW,
    RIGHT_HAND,
    RIGHT_SHOULDER,
    RIGHT_WRIST,
)

LEFT = (LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST, LEFT_HAND)
RIGHT = (RIGHT_SHOULDER, RIGHT_ELBOW, RIGHT_WRIST, RIGHT_HAND)


@pytest.fixture
def made(pose):
    joints = np.repeat(pose.body.data[:4, 0].filled(), 50, axis=0)
    return joints, *free_arms(joints, np.random.default_rng(0))


def length(vectors):
    return np.linalg.norm(vectors, axis=-1)


@pytest.mark.parametrize("arm", [LEFT, RIGHT])
def test_bones_keep_their_lengths_and_wrists_stay_in_reach(made, arm):
    _, joints, confidence = made
    shoulder, elbow, wrist, hand = arm
    up = confidence[:, wrist] > 0
    np.testing.assert_allclose(length(joints[up, elbow] - joints[up, shoulder]), 0.30, atol=1e-9)
    np.testing.assert_allclose(length(joints[up, wrist] - joints[up, elbow]), 0.27, atol=1e-9)
    np.testing.assert_allclose(joints[up, hand.start], joints[up, wrist])
    aside = joints[up, wrist] * (1 if arm is RIGHT else (-1, 1, 1))
    # Places out of reach are approached on a straight line, so they stay in the box that also holds the shoulders.
    low, high = np.array(SPACE).T
    assert (aside > np.minimum(low, (-0.2, 0, 0)) - 0.1).all()
    assert (aside < np.maximum(high, (0.2, 0, 0)) + 0.1).all()
    assert 0.1 < 1 - up.mean() < 0.3, "an arm in five hangs"
    assert (confidence[~up][:, [elbow, wrist, *range(hand.start, hand.stop)]] == 0).all()


def test_hands_keep_their_shape_and_the_left_one_is_mirrored(made):
    source, joints, confidence = made

    def handedness(hand):
        index, pinky, thumb = hand[:, 5] - hand[:, 0], hand[:, 17] - hand[:, 0], hand[:, 4] - hand[:, 0]
        return np.sign(np.einsum("ti,ti->t", np.cross(index, pinky), thumb))

    # Four shapes in all; a rotation keeps the lengths, a reflection turns the sign of the volume.
    shapes = source[::50, RIGHT_HAND]
    for arm, sign in ((RIGHT, 1), (LEFT, -1)):
        wrist, hand = arm[2:]
        hands = joints[confidence[:, wrist] > 0][:, hand]
        spans = np.linalg.norm(hands[:, :, None] - hands[:, None], axis=-1)
        known = np.linalg.norm(shapes[:, :, None] - shapes[:, None], axis=-1)
        nearest = np.abs(spans[:, None] - known).max(axis=(2, 3)).argmin(axis=1)
        np.testing.assert_allclose(spans, known[nearest], atol=1e-6)
        assert (handedness(hands) == sign * handedness(shapes)[nearest]).all()


def test_the_seed_alone_decides(made, pose):
    source, joints, confidence = made
    again, same = free_arms(source, np.random.default_rng(0))
    assert np.array_equal(joints, again)
    assert np.array_equal(confidence, same)
    assert not np.array_equal(joints, free_arms(source, np.random.default_rng(1))[0])


def test_arms_as_in_signs_cross_touch_and_reach_the_face(pose):
    source = np.repeat(pose.body.data[:4, 0].filled(), 100, axis=0)
    joints, confidence = signing_arms(source, np.random.default_rng(0))
    both = (confidence[:, [LEFT_WRIST, RIGHT_WRIST]] > 0).all(axis=1)
    assert 0.8 < both.mean() < 0.95, "in an eighth, one hangs"
    for arm in (LEFT, RIGHT):
        shoulder, elbow, wrist, hand = arm
        np.testing.assert_allclose(length(joints[both, elbow] - joints[both, shoulder]), 0.30, atol=1e-9)
        np.testing.assert_allclose(length(joints[both, wrist] - joints[both, elbow]), 0.27, atol=1e-9)
        np.testing.assert_allclose(joints[both, hand.start], joints[both, wrist])
        assert (joints[both, wrist, 2] < 0).mean() > 0.97, "before the body, or where another hand has pulled them"
    left, right = joints[both, LEFT_HAND], joints[both, RIGHT_HAND]
    gaps = np.linalg.norm(left[:, :, None] - right[:, None], axis=-1).min(axis=(1, 2))
    assert 0.15 < (gaps < 0.04).mean() < 0.5, "hands touch"
    assert (left[:, 0, 0] < right[:, 0, 0]).mean() > 0.03, "arms cross"
    away = np.linalg.norm(joints[both, :][:, [*range(8, 50)]] - joints[both, NOSE, None], axis=-1).min(axis=1)
    assert 0.3 < (away < 0.17).mean() < 0.7, "hands are at the face"


def test_the_seed_alone_decides_how_arms_sign(pose):
    source = np.repeat(pose.body.data[:4, 0].filled(), 5, axis=0)
    one, two, other = (signing_arms(source, np.random.default_rng(seed))[0] for seed in (0, 0, 1))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)
