import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signdiff_eval.functional import hand_box, hand_pose


def test_box_is_a_square_round_the_points():
    # 30 wide and 10 high round (45, 55): half a side is 30 * 1.5 / 2 = 22.5.
    points = [[30.0, 50.0], [60.0, 60.0], [np.nan, np.nan]]
    left, top, right, bottom = hand_box(points, (200, 200))
    assert (right - left, bottom - top) == (45, 45)
    assert abs((left + right) / 2 - 45) <= 0.5
    assert abs((top + bottom) / 2 - 55) <= 0.5
    left, top, right, bottom = hand_box(points, (200, 200), scale=3)
    assert (right - left, bottom - top) == (90, 90)


@given(
    st.lists(st.tuples(st.floats(-50, 150), st.floats(-50, 150)), min_size=1, max_size=5),
    st.integers(11, 100),
    st.integers(11, 100),
)
@settings(max_examples=200, deadline=None)
def test_a_box_always_fits_the_window_and_the_frame(points, height, width):
    box = hand_box(points, (height, width))
    inside = [(x, y) for x, y in points if 0 <= x < width and 0 <= y < height]
    assert (box is None) == (not inside)
    if box is not None:
        left, top, right, bottom = box
        assert 0 <= left <= right - 11
        assert 0 <= top <= bottom - 11
        assert right <= width
        assert bottom <= height


def test_no_box_without_points_or_room():
    assert hand_box(np.full((21, 2), np.nan), (100, 100)) is None
    assert hand_box([[5.0, 5.0]], (10, 100)) is None


def test_pose_by_hand():
    reference = np.zeros((2, 2, 3, 2))
    hypothesis = np.zeros((2, 2, 3, 2))
    hypothesis[0, 0] = 3.0, 4.0  # three points, each 5 away
    hypothesis[0, 1, 0] = 0.0, 1.0  # one of three
    hypothesis[1, 1] = np.nan  # a hand that isn't found
    reference[1, 0, 2] = np.nan
    assert hand_pose(hypothesis, reference) == pytest.approx((3 * 5 + 1) / 8)
    assert hand_pose(hypothesis, hypothesis) == 0


@pytest.mark.parametrize(
    ("reference", "hypothesis", "message"),
    [
        (np.zeros((2, 21, 3)), np.zeros((2, 21, 3)), r"\(\.\.\., K, 2\)"),
        (np.zeros((2, 21, 2)), np.zeros((1, 21, 2)), "same shape"),
        (np.full((2, 21, 2), np.nan), np.zeros((2, 21, 2)), "at least one key point"),
    ],
)
def test_pose_refuses(reference, hypothesis, message):
    with pytest.raises(ValueError, match=message):
        hand_pose(hypothesis, reference)


@pytest.mark.parametrize(("points", "scale", "message"), [(np.zeros((2, 3)), 1, "K, 2"), ([[1, 2]], 0, "positive")])
def test_box_refuses(points, scale, message):
    with pytest.raises(ValueError, match=message):
        hand_box(points, (50, 50), scale=scale)
