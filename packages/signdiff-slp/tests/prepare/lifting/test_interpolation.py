import numpy as np

from signdiff_slp.prepare.lifting.measuring import interpolate, seen_nearby


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
