import numpy as np
import pytest

from signdiff_eval.functional import duration, total_distance


def test_by_hand():
    reference = np.array([[[0.0, 0.0], [0.0, 0.0]], [[3.0, 4.0], [0.0, 1.0]]])  # 5 + 1
    hypothesis = np.array([[[0.0, 0.0], [0.0, 0.0]], [[0.0, 2.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 5.0]]])  # 2 + 2 + 5
    assert total_distance(hypothesis, reference) == 9 / 6
    assert total_distance(hypothesis, reference, joints=[0]) == 4 / 5
    assert total_distance(hypothesis, reference, joints=[1]) == 5 / 1


def test_the_reference_itself_and_a_slow_copy_are_perfect(walk):
    reference = walk(30)
    assert total_distance(reference, reference) == 1
    assert total_distance(np.repeat(reference, 3, axis=0), reference) == pytest.approx(1, rel=1e-12)


def test_a_frozen_mean_pose_goes_nowhere(walk):
    reference = walk(30)
    assert total_distance(np.repeat(reference.mean(axis=0, keepdims=True), 30, axis=0), reference) == 0


def test_trembling_counts_as_movement(walk, rng):
    reference = walk(30)
    assert total_distance(reference + rng.normal(scale=0.1, size=reference.shape), reference) > 1.5


@pytest.mark.parametrize(
    ("reference", "hypothesis", "joints", "message"),
    [
        (np.zeros((3, 2, 3)), np.ones((3, 2, 3)), None, "reference must move"),
        (np.zeros((1, 2, 3)), np.ones((3, 2, 3)), None, "reference must move"),
        (np.zeros((3, 2, 3)), np.ones((3, 4, 3)), None, "same shape"),
        (np.zeros((3, 6)), np.ones((3, 6)), None, r"\(T, J, C\)"),
        (np.zeros((3, 2, 3)), np.ones((3, 2, 3)), [2], r"0 to 1.*\[2\]"),
        (np.zeros((3, 2, 3)), np.ones((3, 2, 3)), [], "at least one"),
    ],
)
def test_refuses(reference, hypothesis, joints, message):
    with pytest.raises(ValueError, match=message):
        total_distance(hypothesis, reference, joints=joints)


def test_counts_frames(walk):
    reference = walk(20)
    assert duration(reference, reference) == 1
    assert duration(np.repeat(reference, 2, axis=0), reference) == 2
    assert duration(reference[:5], reference) == 0.25


@pytest.mark.parametrize(("name", "sequences"), [("hypothesis", (np.zeros((0, 3)), [1])), ("reference", ([1], []))])
def test_refuses_nothing(name, sequences):
    with pytest.raises(ValueError, match=f"{name} must have at least one frame"):
        duration(*sequences)
