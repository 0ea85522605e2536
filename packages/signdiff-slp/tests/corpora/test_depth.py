import numpy as np
import pytest

pytest.importorskip("spoken_to_signed", reason="needs signdiff-slp[corpora]")

from signdiff_core.skeleton import HAND_LIMBS
from signdiff_slp.corpora.body import HAND_LENGTHS, UPPER_ARM_LENGTH
from signdiff_slp.corpora.clips import SHOULDERS_APART, read_clips
from signdiff_slp.corpora.depth import ARM_LIMBS, depth_factor, keep_lengths, measure_depth, variation
from signdiff_slp.corpora.letters import ARM_DEPTH, HAND_DEPTH, still_frames


@pytest.fixture(scope="module")
def clips():
    return read_clips()


def test_finds_a_factor_that_was_hidden():
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(200, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    points = np.stack([np.zeros((200, 3)), 5.0 * directions], axis=1)
    points[..., 2] /= 37.0
    assert depth_factor(points, [(0, 1)], largest=100.0) == pytest.approx(37.0)
    assert variation(points, [(0, 1)], 37.0) == pytest.approx(0.0, abs=1e-9)


def test_clips_agree_with_what_was_measured_elsewhere(clips):
    # 669 frames; about 700 for the hand and 100 for the arm make lengths most constant: found before this code was.
    hand, arm = measure_depth(clips)
    assert hand.frames == arm.frames == 669
    assert hand.factor == pytest.approx(700, rel=0.15)
    assert arm.factor == pytest.approx(100, rel=0.15)
    assert hand.variation_after < 0.8 * hand.variation_before
    assert arm.variation_after < 0.8 * arm.variation_before


def test_constants_are_the_measured_ones(clips):
    hand, arm = measure_depth(clips)
    assert hand.factor == pytest.approx(HAND_DEPTH)
    assert arm.factor == pytest.approx(ARM_DEPTH)
    still = np.concatenate([clip.hand[slice(*still_frames(clip))] for clip in clips])
    still = still * [1, 1, HAND_DEPTH] / (3 * SHOULDERS_APART)
    ends = np.array(HAND_LIMBS)
    lengths = np.median(np.linalg.norm(still[:, ends[:, 1]] - still[:, ends[:, 0]], axis=-1), axis=0)
    assert pytest.approx(lengths, rel=0.06) == HAND_LENGTHS
    arms = np.concatenate([clip.arm for clip in clips]) * [1, 1, ARM_DEPTH] / (3 * SHOULDERS_APART)
    assert pytest.approx(np.median(np.linalg.norm(arms[:, 1] - arms[:, 0], axis=-1)), rel=0.05) == UPPER_ARM_LENGTH


def test_lengths_are_kept_by_moving_in_depth():
    points = np.array([[[0, 0, 0], [3, 0, 1.0]]])
    moved = keep_lengths(points, [(0, 1)], np.array([5.0]), mobility=np.array([[0, 0, 0], [1e-3, 1e-3, 1.0]]))
    assert moved[0, 1] == pytest.approx([3, 0, 4], abs=0.05)  # 3-4-5


def test_a_bone_that_appears_too_long_is_shortened():
    points = np.array([[[0, 0, 0], [0, 2, 0.0]]])
    moved = keep_lengths(points, [(0, 1)], np.array([1.0]), mobility=np.array([[0, 0, 0], [0.15, 0.15, 1.0]]))
    assert moved[0, 1] == pytest.approx([0, 1, 0], abs=1e-6)


def test_nailed_joints_stay():
    rng = np.random.default_rng(1)
    points = rng.normal(size=(4, 3, 3))
    mobility = np.array([[0, 0, 0], [0.5, 0.5, 1], [0.1, 0.1, 1]])
    moved = keep_lengths(points, ARM_LIMBS, np.array([1.5, 1.5]), mobility=mobility)
    assert np.array_equal(moved[:, 0], points[:, 0])
