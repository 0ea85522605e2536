"""What a mask hides is absent: drawings, poses and normalisation never take it for a place."""

import numpy as np
import pytest

from signdiff_core import drawing
from signdiff_core.formats import normalise
from signdiff_core.skeleton import joints_of, make_pose


@pytest.fixture
def joints():
    rng = np.random.default_rng(3)
    return rng.uniform(-0.3, 0.3, size=(4, 50, 3))


@pytest.fixture
def hidden():
    hidden = np.zeros((4, 50), dtype=bool)
    hidden[0, [0, 9, 30]] = hidden[2, 40] = True
    return hidden


@pytest.fixture
def masked(joints, hidden):
    garbage = np.where(hidden[..., None], 1e6, joints)
    return np.ma.masked_array(garbage, mask=np.repeat(hidden[..., None], 3, axis=-1))


def test_a_pose_is_made_without_what_is_masked(masked, joints, hidden):
    positions, confidence = joints_of(make_pose(masked, 25))
    expected, known = joints_of(make_pose(joints, 25, confidence=~hidden * 1.0))
    assert (confidence == known).all()
    assert (positions == expected).all()


def test_a_mask_of_the_pose_counts_whatever_the_confidence(joints, hidden):
    pose = make_pose(joints, 25)
    pose.body.data[hidden[:, None]] = np.ma.masked
    _, confidence = joints_of(pose)
    assert ((confidence == 0) == hidden).all()


def test_a_place_of_a_pose_that_is_no_number_is_absent(joints, hidden):
    pose = make_pose(joints, 25)
    pose.body.data.data[hidden[:, None], 1] = np.nan
    positions, confidence = joints_of(pose)
    assert ((confidence == 0) == hidden).all()
    assert (positions == np.where(hidden[..., None], 0, joints).astype(np.float32)).all()


def test_a_drawing_leaves_out_what_is_masked(masked, joints, hidden):
    expected = drawing.draw(joints[0], 1.0 - hidden[0], size=128)
    assert (drawing.draw(masked[0], size=128) == expected).all()
    pixels = masked[0, :, :2] * 100 + 64
    expected = drawing.draw_pixels(joints[0, :, :2] * 100 + 64, 1.0 - hidden[0], size=128)
    assert (drawing.draw_pixels(pixels, size=128) == expected).all()


def test_normalising_leaves_out_what_is_masked(masked, joints, hidden):
    expected = normalise(joints, 1.0 - hidden)
    assert (normalise(masked, np.ones((4, 50))) == expected).all()
