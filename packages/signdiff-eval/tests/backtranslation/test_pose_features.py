import numpy as np
import pytest

from signdiff_eval.backtranslation.features import PoseFeatures


@pytest.fixture
def sequences(rng):
    return [rng.normal(loc=3, scale=2, size=(frames, 4, 3)) for frames in (20, 35)]


def test_the_training_set_becomes_standard(sequences):
    features = PoseFeatures.fit(sequences, fps=25.0)
    seen = np.concatenate([features(joints) for joints in sequences])
    assert np.allclose(seen.mean(axis=0), 0, atol=1e-5)
    assert np.allclose(seen.std(axis=0), 1, atol=1e-5)
    expected = np.concatenate(sequences).reshape(55, 12)
    assert np.allclose(features.mean, expected.mean(axis=0))
    assert np.allclose(features.std, expected.std(axis=0))


def test_units_don_t_matter(sequences):
    moved = [joints * 320 + 17 for joints in sequences]
    left, right = PoseFeatures.fit(sequences, fps=25.0), PoseFeatures.fit(moved, fps=25.0)
    assert np.allclose(left(sequences[0]), right(moved[0]), atol=1e-4)


def test_constant_and_absent_joints_are_zero(sequences):
    for joints in sequences:
        joints[:, 1] = 5.0
        joints[:, 2] = np.nan
    seen = PoseFeatures.fit(sequences, fps=25.0)(sequences[0])
    assert (seen[:, 3:9] == 0).all()
    assert np.isfinite(seen).all()
    assert (seen[:, :3] != 0).all()


def test_velocity(sequences):
    features = PoseFeatures.fit(sequences, fps=25.0, velocity=True)
    seen = features(sequences[0])
    assert seen.shape == (20, features.size) == (20, 24)
    assert (seen[0, 12:] == 0).all()
    deviation = np.concatenate([np.diff(joints, axis=0) for joints in sequences]).reshape(-1, 12)
    deviation = np.sqrt((deviation**2).mean(axis=0) - deviation.mean(axis=0) ** 2)
    assert np.allclose(seen[1:, 12:], np.diff(sequences[0], axis=0).reshape(19, 12) / deviation, atol=1e-4)


def test_there_and_back(sequences):
    features = PoseFeatures.fit(sequences, fps=12.5, velocity=True, skeleton=("a", "b", "c", "d"))
    assert PoseFeatures.from_dict(features.to_dict()) == features
    with pytest.raises(ValueError, match="must have 12 means"):
        PoseFeatures.from_dict({**features.to_dict(), "mean": [0.0]})


def test_unequal_sequences(sequences):
    with pytest.raises(ValueError, match="frames of shape"):
        PoseFeatures.fit([*sequences, np.zeros((2, 5, 3))], fps=25.0)
    with pytest.raises(ValueError, match="at least one"):
        PoseFeatures.fit([], fps=25.0)
