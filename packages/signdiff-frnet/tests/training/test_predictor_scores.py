import numpy as np
import pytest

ndimage = pytest.importorskip("scipy.ndimage")

from signdiff_frnet.training.scores import boundary_f, stroke_iou  # noqa: E402


def blobs(seed):
    rng = np.random.default_rng(seed)
    fr_map = np.full((48, 64), 255, np.uint8)
    for x, y, width, height in rng.integers(2, 30, size=(4, 4)):
        fr_map[y : y + height // 3 + 1, x : x + width // 2 + 1] = 0
    return fr_map


def reference_f(made, truth, tolerance):
    """The same by distances in place of dilations: scipy's chessboard transform."""
    square = np.ones((3, 3), bool)
    one, two = ((m == 0) & ~ndimage.binary_erosion(m == 0, square, border_value=1) for m in (made, truth))
    precision = (ndimage.distance_transform_cdt(~two, "chessboard")[one] <= tolerance).mean()
    recall = (ndimage.distance_transform_cdt(~one, "chessboard")[two] <= tolerance).mean()
    return 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize("tolerance", [1, 2, 4])
@pytest.mark.parametrize("seed", range(5))
def test_boundaries_as_scipy_measures_them(seed, tolerance):
    made, truth = blobs(seed), blobs(seed + 100)
    assert boundary_f(made, truth, tolerance=tolerance) == pytest.approx(reference_f(made, truth, tolerance))


@pytest.mark.parametrize("seed", range(3))
def test_both_are_one_for_the_same_map_and_symmetric(seed):
    made, truth = blobs(seed), blobs(seed + 7)
    for score in (stroke_iou, boundary_f):
        assert score(truth, truth) == 1.0
        assert score(made, truth) == score(truth, made)
        assert 0 <= score(made, truth) < 1


def test_empty_maps():
    blank, full = np.full((8, 8), 255, np.uint8), blobs(0)
    for score in (stroke_iou, boundary_f):
        assert score(blank, blank) == 1.0
    assert stroke_iou(np.full_like(full, 255), full) == 0.0
    assert boundary_f(np.full_like(full, 255), full) == 0.0
