import numpy as np
import pytest

from signdiff_core.skeleton import FACE, HEAD, LEFT_HAND, LEFT_WRIST, NOSE, RIGHT_HAND
from signdiff_slp.corpora.filling import fill_absent, never_seen, resample


@pytest.fixture
def steady():
    """Five frames in which every joint moves evenly: what is absent can be found exactly."""
    rng = np.random.default_rng(3)
    return rng.normal(size=(1, 50, 3)) + np.arange(5)[:, None, None] * rng.normal(size=(1, 50, 3))


def test_even_movement_is_found_again(steady):
    confidence = np.ones((5, 50))
    confidence[1:4, NOSE] = 0
    confidence[2, RIGHT_HAND] = 0
    confidence[3, LEFT_WRIST] = 0
    broken = np.where(confidence[..., None] > 0, steady, 99.0)
    assert fill_absent(broken, confidence) == pytest.approx(steady)


def test_ends_stay_where_they_are_next(steady):
    confidence = np.ones((5, 50))
    confidence[[0, 1, 4], NOSE] = 0
    filled = fill_absent(np.where(confidence[..., None] > 0, steady, np.nan), confidence)
    assert np.array_equal(filled[:, NOSE], steady[[2, 2, 2, 3, 3], NOSE])


def test_a_lost_hand_goes_with_its_arm():
    joints = np.zeros((3, 50, 3))
    joints[:, LEFT_WRIST, 0] = 0, 1, 5
    joints[0, LEFT_HAND] = joints[0, LEFT_WRIST] + (0, 0.1, 0)
    confidence = np.ones((3, 50))
    confidence[1:, LEFT_HAND] = 0
    filled = fill_absent(joints, confidence)
    assert np.allclose(filled[:, LEFT_HAND], filled[:, LEFT_WRIST, None] + (0, 0.1, 0))


def test_a_lost_face_goes_with_the_nose_and_others_stand_in_for_what_no_detector_saw():
    rng = np.random.default_rng(0)
    joints = np.concatenate([np.zeros((3, 50, 3)), np.repeat(rng.normal(size=(1, 74, 3)), 3, axis=0)], axis=1)
    joints[:, NOSE] = [(0, 0, 0), (1, 0, 0), (2, 0, 0)]
    whole = joints.copy()
    whole[:, 50:] += joints[:, NOSE, None]
    confidence = np.ones((3, 124))
    confidence[1, HEAD.start :] = 0
    never = [HEAD.start + 2, FACE.start + 30, FACE.start + 69]  # right ear, tip of the nose, left pupil
    confidence[:, never] = 0
    assert never_seen(confidence) == 3
    filled = fill_absent(np.where(confidence[..., None] > 0, whole, 99.0), confidence)
    assert filled[1, FACE.start : FACE.start + 30] == pytest.approx(whole[1, FACE.start : FACE.start + 30])
    face = filled[:, FACE]
    assert filled[:, HEAD.start + 2] == pytest.approx(face[:, 0])  # where the jaw begins
    assert face[:, 30] == pytest.approx(filled[:, NOSE])
    assert face[:, 69] == pytest.approx(face[:, 42:48].mean(axis=1))
    confidence[:, FACE] = 0
    with pytest.raises(ValueError, match="but the face is never"):
        fill_absent(whole, confidence)


def test_what_is_there_is_unchanged_and_nan_is_absent(steady):
    confidence = np.ones((5, 50))
    broken = steady.copy()
    broken[2, NOSE, 1] = np.nan
    filled = fill_absent(broken, confidence)
    assert filled[2, NOSE] == pytest.approx(steady[2, NOSE])
    present = np.isfinite(broken).all(axis=-1)
    assert np.array_equal(filled[present], steady[present])


def test_what_is_masked_is_absent(steady):
    masked = np.ma.masked_array(steady.copy(), mask=False)
    masked[3, NOSE] = np.ma.masked
    masked.data[3, NOSE] = 1e6
    confidence = np.ones(steady.shape[:2])
    filled = fill_absent(masked, confidence)
    confidence[3, NOSE] = 0
    assert not np.ma.isMaskedArray(filled)
    assert np.allclose(filled, fill_absent(steady, confidence))


def test_joints_that_are_never_seen_are_named(steady):
    confidence = np.ones((5, 50))
    confidence[:, LEFT_HAND] = 0
    with pytest.raises(ValueError, match="joints must be seen in some frame, but the left hand is never"):
        fill_absent(steady, confidence)
    confidence[:, NOSE] = 0
    confidence[:, 40] = 0
    with pytest.raises(ValueError, match="but NOSE, the left hand, 1 of the right hand are never"):
        fill_absent(steady, confidence)


@pytest.mark.parametrize(("fps", "target", "count"), [(50, 25, 50), (24, 25, 104), (29.97, 25, 83), (25, 25, 100)])
def test_duration_and_even_movement_survive_resampling(fps, target, count):
    times = np.arange(100) / fps
    resampled = resample(times[:, None] * np.ones((1, 3)), fps, target)
    assert len(resampled) == count
    expected = np.minimum(np.arange(count) / target, times[-1])
    assert resampled[:, 0] == pytest.approx(expected)


def test_a_rate_that_no_clip_has_takes_no_memory():
    with pytest.raises(ValueError, match="must last at most 1000000 frames at 25 a second, but last 250000000"):
        resample(np.zeros((10_000, 1)), 0.001, 25)


def test_one_frame_stays_one():
    assert resample(np.ones((1, 3)), 50, 25).tolist() == [[1, 1, 1]]


@pytest.mark.parametrize("rate", [0, -1, np.nan])
def test_rates_that_are_wrong(rate):
    with pytest.raises(ValueError, match="fps must be positive"):
        resample(np.ones((2, 3)), rate, 25)


def test_one_rate_written_in_two_ways_changes_nothing():
    frames = np.arange(12.0)
    assert resample(frames, 30000 / 1001, 29.97) is frames
    assert len(resample(frames, 30, 25)) == 10
