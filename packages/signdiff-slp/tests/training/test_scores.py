from functools import cache

import numpy as np
import pytest

from signdiff_slp.training.scores import distance_travelled, dtw_mje, mean_joint_error


def plain_dtw(cost):
    """The recurrence as it is written, in all ways of reaching a cell."""

    @cache
    def best(i, j):
        if (i, j) == (0, 0):
            return cost[0, 0], 1
        before = [best(a, b) for a, b in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if a >= 0 and b >= 0]
        total, pairs = min(before, key=lambda entry: entry[0])
        return total + cost[i, j], pairs + 1

    total, pairs = best(cost.shape[0] - 1, cost.shape[1] - 1)
    return total / pairs


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 6), (7, 1), (6, 9), (12, 5)])
def test_warping_follows_the_recurrence(rows, columns):
    rng = np.random.default_rng(rows)
    reference, hypothesis = rng.normal(size=(rows, 5, 3)), rng.normal(size=(columns, 5, 3))
    expected = plain_dtw(mean_joint_error(reference, hypothesis))
    assert dtw_mje(reference, hypothesis) == pytest.approx(expected)


def test_the_same_movement_at_another_speed_is_no_error():
    poses = np.random.default_rng(0).normal(size=(8, 50, 3))
    assert dtw_mje(poses, np.repeat(poses, 3, axis=0)) == 0.0


def test_the_mean_joint_error_is_a_mean_of_distances():
    reference = np.zeros((1, 2, 3))
    hypothesis = np.array([[[3.0, 4.0, 0.0], [0.0, 0.0, 1.0]]])
    assert mean_joint_error(reference, hypothesis) == pytest.approx(np.array([[3.0]]))


def test_distance_travelled():
    joints = np.zeros((3, 2, 3))
    joints[1, 0] = [3.0, 4.0, 0.0]
    assert distance_travelled(joints) == pytest.approx(5.0)
    assert distance_travelled(joints[:1]) == 0.0
