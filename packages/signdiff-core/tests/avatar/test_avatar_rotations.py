"""Rotations in batches, against hand-computed cases and the properties of rotations."""

import numpy as np
import pytest

from signdiff_core.anatomy.rotations import about, apply, basis, nearest_rotation, swing, twist_angle, unit

X, Y, Z = np.eye(3)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_quarter_turn_about_z_takes_x_to_y():
    np.testing.assert_allclose(apply(about(Z, np.array(np.pi / 2)), X), Y, atol=1e-12)


def test_swing_takes_one_vector_to_the_other_and_is_smallest(rng):
    a, b = unit(rng.normal(size=(2, 50, 3)))
    turn = swing(a, b)
    np.testing.assert_allclose(apply(turn, a), b, atol=1e-9)
    angle = np.arccos((np.trace(turn, axis1=1, axis2=2) - 1) / 2)
    np.testing.assert_allclose(angle, np.arccos((a * b).sum(1)), atol=1e-6)


def test_swing_stops_at_its_limit():
    np.testing.assert_allclose(apply(swing(X, Y, limit=np.pi / 6), X), [np.cos(np.pi / 6), 0.5, 0], atol=1e-12)


def test_swing_of_equal_vectors_is_no_rotation():
    np.testing.assert_allclose(swing(X, X), np.eye(3), atol=1e-12)


def test_basis_is_a_rotation_along_its_axis(rng):
    along, hinge = unit(rng.normal(size=(2, 20, 3)))
    turn = basis(along, hinge)
    np.testing.assert_allclose(turn[..., 1], along)
    np.testing.assert_allclose(turn @ np.swapaxes(turn, 1, 2), np.broadcast_to(np.eye(3), turn.shape), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(turn), 1)


@pytest.mark.parametrize("angle", [-2.5, -0.3, 0.0, 1.2, 3.0])
def test_twist_is_read_back_from_under_a_swing(angle):
    turn = swing(Y, unit(np.array([0.3, 0.8, -0.2]))) @ about(Y, np.array(angle))
    assert twist_angle(turn, Y) == pytest.approx(angle)


def test_nearest_rotation_finds_the_rotation_that_was_applied(rng):
    turn = about(unit(rng.normal(size=(10, 3))), rng.uniform(-3, 3, 10))
    start = rng.normal(size=(10, 5, 3))
    found = nearest_rotation(start, apply(turn[:, None], start), np.ones((10, 5)))
    np.testing.assert_allclose(found, turn, atol=1e-9)
