import warnings

import numpy as np
import pytest
from scipy import linalg

from signdiff_eval.functional import SmallSampleWarning, fid, frechet_distance


@pytest.fixture
def features(rng):
    mixing = rng.normal(size=(2, 24, 24))
    return [
        rng.normal(size=(count, 24)) @ matrix + rng.normal(size=24)
        for count, matrix in zip((300, 200), mixing, strict=True)
    ]


def moments(features):
    return features.mean(axis=0), np.cov(features, rowvar=False)


def test_equals_pytorch_fid(features):
    fid_score = pytest.importorskip("pytorch_fid.fid_score")
    expected = fid_score.calculate_frechet_distance(*moments(features[0]), *moments(features[1]))
    assert fid(*features) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(*moments(features[0]), *moments(features[1])) == pytest.approx(expected, rel=1e-6)


def test_equals_the_formula_with_a_matrix_root(features):
    (mean, covariance), (other, scatter) = map(moments, features)
    root = linalg.sqrtm(covariance @ scatter).real
    expected = ((mean - other) ** 2).sum() + np.trace(covariance + scatter - 2 * root)
    assert fid(*features) == pytest.approx(expected, rel=1e-9)


def test_one_dimension_by_hand():
    # Means 0 and 3, standard deviations 2 and 5: 3² + (5 - 2)².
    assert frechet_distance([0.0], [[4.0]], [3.0], [[25.0]]) == pytest.approx(18)


def test_equal_sets_and_singular_covariances():
    rng = np.random.default_rng(1)
    few = rng.normal(size=(5, 24))
    with pytest.warns(SmallSampleWarning, match=r"5 hypothesis and 5 reference images.*24 features.*at least 25"):
        assert fid(few, few) == pytest.approx(0, abs=1e-9)
    with pytest.warns(SmallSampleWarning):
        assert fid(few, few + 1) == pytest.approx(24)


def test_enough_images_do_not_warn(features):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fid(*features) > 0


def test_more_noise_is_worse(features, rng):
    noise = rng.normal(size=features[0].shape)
    scores = [fid(features[0] + scale * noise, features[0]) for scale in (0, 0.5, 1, 2, 4)]
    assert scores == sorted(scores)
    assert scores[0] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "message"),
    [
        (np.zeros((1, 3)), np.zeros((4, 3)), "reference must have at least two rows"),
        (np.zeros((4, 3)), np.zeros((4, 2)), r"\(2,\) and \(3,\)"),
        (np.zeros((4, 3)), np.full((4, 3), np.nan), "hypothesis must be finite"),
        (np.zeros(3), np.zeros((4, 3)), r"\(N, D\)"),
    ],
)
def test_refuses(reference, hypothesis, message):
    with pytest.raises(ValueError, match=message):
        fid(hypothesis, reference)


def test_refuses_moments_of_other_sizes():
    with pytest.raises(ValueError, match="of one size D"):
        frechet_distance([0.0], [[1.0]], [0.0, 0.0], np.eye(2))
