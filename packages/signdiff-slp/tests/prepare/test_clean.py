import numpy as np
import pytest

from signdiff_core.skeleton import LEFT_HAND, LEFT_WRIST, NOSE, RIGHT_HAND
from signdiff_core.sources import find_clips, read
from signdiff_slp.corpora.filling import fill_absent
from signdiff_slp.prepare.clean import clean, drop_doubtful, fill_in_time, fill_with_median


@pytest.fixture
def points():
    rng = np.random.default_rng(0)
    return np.concatenate([rng.uniform(1, 900, (9, 50, 2)), np.full((9, 50, 1), 0.8)], axis=-1)


def _hide(points, frames, joint):
    points[frames, joint] = 0


def test_doubtful_joints_become_absent(points):
    points[0, 0, 2] = 0.09
    points[1, 1, 0] = np.nan
    points[2, 2, :2] = 0
    points[3, 3, 2] = np.inf
    points[4, 4, 2] = 0.1
    sure = drop_doubtful(points, min_confidence=0.1)
    assert np.argwhere(sure[..., 2] == 0).tolist() == [[0, 0], [1, 1], [2, 2], [3, 3]]
    assert not sure[sure[..., 2] == 0].any()
    kept = sure[..., 2] > 0
    assert np.array_equal(sure[kept], points[kept].astype(np.float32))


def test_between_equal_confidences_filling_is_linear_as_for_a_corpus(points):
    for frames, joint in (([3, 4], NOSE), ([0, 1], 2), ([5, 6], 40), ([7, 8], LEFT_WRIST), ([2, 7], 10)):
        _hide(points, frames, joint)
    linear = fill_absent(points[..., :2], points[..., 2])
    assert fill_in_time(points)[..., :2] == pytest.approx(linear, rel=1e-5)


def test_the_more_confident_and_the_nearer_counts_more(points):
    points[2, NOSE], points[5, NOSE] = (100, 200, 0.9), (400, 500, 0.3)
    _hide(points, [3, 4], NOSE)
    filled = fill_in_time(points)[3:5, NOSE]
    # Weights 0.9 / 1 and 0.3 / 2, then 0.9 / 2 and 0.3 / 1.
    assert filled[:, 0] == pytest.approx([(0.9 * 100 + 0.15 * 400) / 1.05, (0.45 * 100 + 0.3 * 400) / 0.75])
    assert filled[:, 1] == pytest.approx(filled[:, 0] + 100)
    assert filled[:, 2] == pytest.approx([0.7 / 2, 0.5 / 2])


def test_what_is_far_from_what_was_seen_is_less_confident(points):
    _hide(points, [0, 1, 2, 3], NOSE)
    filled = fill_in_time(points)
    assert np.array_equal(filled[:4, NOSE, :2], np.repeat(points[4:5, NOSE, :2], 4, axis=0).astype(np.float32))
    assert filled[:4, NOSE, 2] == pytest.approx(0.8 / np.array([5, 4, 3, 2]))


def test_a_lost_hand_goes_with_its_arm(points):
    points[4:, LEFT_HAND] = 0
    filled = fill_in_time(points)
    relative = filled[:, LEFT_HAND, :2] - filled[:, LEFT_WRIST, None, :2]
    assert relative[4:] == pytest.approx(np.repeat(relative[3:4], 5, axis=0), abs=1e-3)


@pytest.mark.parametrize("fill", [fill_in_time, fill_with_median])
def test_what_was_there_is_unchanged_and_what_never_was_stays_absent(points, fill):
    points[:, RIGHT_HAND] = 0
    points[:, LEFT_WRIST] = 0
    _hide(points, [1, 2], 12)
    filled = fill(points)
    present = points[..., 2] > 0
    assert np.array_equal(filled[present], points[present].astype(np.float32))
    assert not filled[:, RIGHT_HAND].any()
    assert not filled[:, LEFT_WRIST].any()
    assert (filled[:, 12, 2] > 0).all()
    assert np.isfinite(filled).all()


def test_the_median_of_the_frames_that_have_a_joint(points):
    points[:4, NOSE, 0] = 10, 20, 90, 0
    points[3:, NOSE] = 0
    filled = fill_with_median(points)
    assert (filled[3:, NOSE, 0] == 20).all()
    assert filled[3:, NOSE, 1] == pytest.approx(np.median(points[:3, NOSE, 1]))


def test_shares_are_of_all_joints_of_all_frames(points):
    points[0, :10, 2] = 0.05
    points[1, :5] = 0
    points[:, 49] = 0
    cleaned = clean(points, min_confidence=0.1)
    assert cleaned.doubtful == pytest.approx(10 / 450)
    assert cleaned.filled == pytest.approx(15 / 450)
    assert np.flatnonzero(cleaned.never).tolist() == [49]
    for fill in ("interpolate", "median"):
        again = clean(clean(points, fill=fill).points, min_confidence=0.0, fill=fill)
        assert (again.doubtful, again.filled) == (0, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_confidence": 1.1}, "min_confidence must be from 0 to 1"),
        ({"min_confidence": float("nan")}, "min_confidence must be from 0 to 1"),
        ({"fill": "mean"}, "fill must be 'interpolate' or 'median', but is 'mean'"),
    ],
)
def test_wrong_options(points, options, message):
    with pytest.raises(ValueError, match=message):
        clean(points, **options)


@pytest.mark.parametrize("shape", [(0, 50, 3), (4, 50, 2), (50, 3)])
def test_wrong_shapes(shape):
    with pytest.raises(ValueError, match="points must have the shape"):
        clean(np.zeros(shape))


@pytest.mark.realdata
def test_hidden_joints_of_a_real_clip_are_found_again_better_in_time_than_by_the_median(realdata):
    points = read(find_clips(realdata / "how2sign-openpose" / "json")[0], fps=24).people[:, 0]
    hidden = np.random.default_rng(0).random(points.shape[:2]) < 0.2
    hidden &= points[..., 2] > 0.3
    broken = np.where(hidden[..., None], 0, points)
    errors = {}
    for fill in ("interpolate", "median"):
        found = clean(broken, min_confidence=0.0, fill=fill).points
        errors[fill] = np.median(np.linalg.norm((found - points)[hidden][:, :2], axis=1))
    assert errors["interpolate"] < 0.2 * errors["median"]
