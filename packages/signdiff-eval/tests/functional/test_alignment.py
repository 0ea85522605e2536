import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.spatial.distance import cdist

from signdiff_eval.functional import align


def by_cell(costs):
    """The textbook recurrence, one cell at a time."""
    rows, columns = costs.shape
    table = [[0.0] * columns for _ in range(rows)]
    for i in range(rows):
        for j in range(columns):
            before = [table[a][b] for a, b in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if a >= 0 and b >= 0]
            table[i][j] = costs[i, j] + (min(before) if before else 0.0)
    return table[-1][-1]


def by_enumeration(costs, i=0, j=0):
    """Every monotone path there is."""
    rows, columns = costs.shape
    if (i, j) == (rows - 1, columns - 1):
        return costs[i, j]
    steps = [(a, b) for a, b in ((i + 1, j), (i, j + 1), (i + 1, j + 1)) if a < rows and b < columns]
    return costs[i, j] + min(by_enumeration(costs, a, b) for a, b in steps)


costs_of = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.floats(0, 1e3))


@given(costs_of)
@settings(max_examples=150, deadline=None)
def test_equals_the_recurrence_to_the_last_bit(costs):
    assert align(costs)[0] == by_cell(costs)


@given(arrays(np.int64, array_shapes(min_dims=2, max_dims=2, max_side=5), elements=st.integers(0, 20)))
@settings(max_examples=50, deadline=None)
def test_no_path_is_cheaper(costs):
    assert align(costs)[0] == by_enumeration(costs.astype(float))


@given(costs_of)
@settings(max_examples=100, deadline=None)
def test_the_path_is_monotone_and_costs_the_total(costs):
    total, path = align(costs)
    assert path[0].tolist() == [0, 0]
    assert path[-1].tolist() == [costs.shape[0] - 1, costs.shape[1] - 1]
    steps = np.diff(path, axis=0)
    assert set(map(tuple, steps.tolist())) <= {(0, 1), (1, 0), (1, 1)}
    assert total == pytest.approx(costs[path[:, 0], path[:, 1]].sum(), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(("frames", "others"), [(1, 1), (1, 9), (40, 1), (70, 55), (128, 128)])
def test_equals_dtaidistance(rng, frames, others):
    dtw_ndim = pytest.importorskip("dtaidistance.dtw_ndim")
    left, right = rng.normal(size=(frames, 20)), rng.normal(size=(others, 20))
    expected = dtw_ndim.distance(left, right, inner_dist="euclidean", use_c=True)
    assert align(cdist(left, right))[0] == pytest.approx(expected, rel=1e-12)


def test_prefers_the_diagonal_then_a_step_in_the_first_sequence():
    assert align(np.zeros((3, 3)))[1].tolist() == [[0, 0], [1, 1], [2, 2]]
    assert align(np.zeros((4, 2)))[1].tolist() == [[0, 0], [1, 0], [2, 0], [3, 1]]


def test_leaves_its_argument_alone():
    costs = np.ones((3, 4))
    align(costs)
    assert (costs == 1).all()


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        (np.zeros((0, 3)), r"\(T, U\).*\(0, 3\)"),
        (np.zeros(3), r"\(T, U\).*\(3,\)"),
        ([[1.0, -2.0]], "at least 0.*-2"),
        ([[1.0], [np.nan]], "finite.*frame 1"),
    ],
)
def test_refuses_what_is_no_cost_matrix(costs, message):
    with pytest.raises(ValueError, match=message):
        align(costs)
