import subprocess
import sys

import numpy as np
import pytest

from signdiff_core.formats import normalise
from signdiff_core.skeleton import LEFT_HAND, LEFT_WRIST, NECK
from signdiff_slp.prepare import lift, lift_all
from signdiff_slp.prepare.lifting.measuring import BONES, LIMBS


def limb_lengths(joints):
    near, far, _ = np.array(LIMBS).T
    return np.linalg.norm(joints[:, far] - joints[:, near], axis=-1)


def test_finds_the_known_motion(make_signer, see, bones):
    truth = make_signer()
    lifted = lift(see(truth))
    assert lifted.shape == truth.shape
    assert lifted.dtype == np.float64
    assert limb_lengths(lifted)[0] == pytest.approx(bones[BONES], rel=0.02)
    missed = np.linalg.norm((lifted - truth)[..., :2], axis=-1)
    assert np.median(missed) < 1
    assert missed.max() < 8
    # Depth is worth less: at a right angle to the view, a limb's length hardly tells it.
    tilted = slice(len(truth) // 2 - 4, len(truth) // 2 + 4)
    limbs = np.array(LIMBS)
    depth, known = ((each[:, limbs[:, 1], 2] - each[:, limbs[:, 0], 2])[tilted] for each in (lifted, truth))
    assert known.min() < -60
    assert np.abs(depth - known).mean() < 0.1 * np.abs(known).mean()


def test_bones_are_constant_and_the_same_on_both_sides(make_signer, see):
    noise = np.random.default_rng(1).normal(scale=5, size=(60, 50, 3)) * [1, 1, 0]
    lengths = limb_lengths(lift(see(make_signer() + noise), steps=20))
    assert lengths == pytest.approx(np.tile(lengths[0], (60, 1)), rel=1e-9)
    for bone in set(BONES):
        assert np.ptp(lengths[0, bone == BONES]) < 1e-9


def test_no_limb_points_away(make_signer, see):
    noise = np.random.default_rng(1).normal(scale=5, size=(60, 50, 3)) * [1, 1, 0]
    lifted = lift(see(make_signer() + noise))
    near, far, _ = np.array(LIMBS).T
    assert (lifted[:, far, 2] <= lifted[:, near, 2]).all()
    assert not lifted[:, NECK, 2].any()


def test_points_without_confidence_do_not_count(make_signer, see):
    keypoints = see(make_signer())
    keypoints[10:15, LEFT_WRIST] = 0, 0, 0
    keypoints[30, 20] = 0, 0, 0
    wrong = keypoints.copy()
    wrong[10:15, LEFT_WRIST, :2] = 3, 4
    # They count in the scale in which is searched, as published, and so for a little.
    assert np.abs(lift(keypoints) - lift(wrong)).mean() < 0.5
    missed = np.linalg.norm((lift(keypoints) - make_signer())[10:15, LEFT_WRIST, :2], axis=-1)
    assert missed.max() < 40


def test_a_masked_point_is_one_without_confidence(make_signer, see):
    keypoints = see(make_signer(6))
    absent = keypoints.copy()
    absent[2, 30] = 0
    masked = np.ma.masked_array(keypoints, mask=False)
    masked[2, 30, 0] = np.ma.masked
    assert np.allclose(lift(masked, steps=5), lift(absent, steps=5), atol=1e-6)


def test_a_hand_that_is_away_goes_with_its_arm(make_signer, see):
    truth = make_signer(90)
    truth[..., 0] += 4 * np.arange(90)[:, None]
    keypoints = see(truth)
    keypoints[30:, LEFT_HAND] = 0
    lifted = lift(keypoints)
    near_wrist = np.linalg.norm(lifted[:, LEFT_HAND] - lifted[:, [LEFT_WRIST]], axis=-1)
    assert near_wrist.max() < 150
    assert limb_lengths(lifted)[0] == pytest.approx(limb_lengths(truth)[0], rel=0.1)


def test_smoothness_makes_noise_in_depth_small(make_signer, see):
    noise = np.random.default_rng(1).normal(scale=3, size=(60, 50, 3)) * [1, 1, 0]
    keypoints = see(make_signer() + noise)

    def shaking(**options):
        return np.abs(np.diff(lift(keypoints, **options)[..., 2], n=2, axis=0)).mean()

    assert shaking(smoothness=1.0) < 0.5 * shaking() < 0.5 * shaking(smoothness=0.0)


def test_stiff_bones_stay_as_measured(make_signer, see, bones):
    noise = np.random.default_rng(1).normal(scale=3, size=(60, 50, 3)) * [1, 1, 0]
    keypoints = see(make_signer() + noise)
    measured = limb_lengths(lift(keypoints, steps=0))[0]
    assert limb_lengths(lift(keypoints, length_weight=1e4))[0] == pytest.approx(measured, rel=1e-3)
    assert (limb_lengths(lift(keypoints, length_weight=0.0))[0] > measured).mean() > 0.9


def test_batch_equals_single(make_signer, see):
    clips = [see(make_signer(T, seed=T)) for T in (40, 1, 60, 2, 3, 41)]
    alone = [lift(clip, steps=60) for clip in clips]
    for batch_frames in (1, 130, 1000):
        together = lift_all(clips, steps=60, batch_frames=batch_frames)
        assert [each.shape for each in together] == [each.shape for each in clips]
        for left, right in zip(alone, together, strict=True):
            assert np.abs(left - right).max() < 0.01


def test_no_clips():
    assert lift_all([]) == []


def test_same_input_same_bytes(make_signer, see):
    clips = [see(make_signer(T)) for T in (30, 20)]
    assert lift(clips[0], steps=30).tobytes() == lift(clips[0], steps=30).tobytes()
    first, second = (lift_all(clips, steps=30) for _ in range(2))
    assert [each.tobytes() for each in first] == [each.tobytes() for each in second]


def test_input_stays(make_signer, see):
    keypoints = see(make_signer())
    before = keypoints.copy()
    lift(keypoints, steps=3)
    assert (keypoints == before).all()


def test_moved_and_larger_pictures_give_moved_and_larger_joints(make_signer, see):
    truth = make_signer()
    lifted, other = lift(see(truth)), lift(see(truth * [2, 2, 1] + [30, 30, 0]))
    assert other == pytest.approx(lifted * 2 + [30, 30, 0], abs=0.1)


def test_is_ready_to_be_normalised(make_signer, see):
    truth = make_signer()
    truth[:, 2], truth[:, 5] = truth[:, 1] - [80, 0, 0], truth[:, 1] + [80, 0, 0]
    joints = normalise(lift(see(truth)), np.ones((60, 50)))
    assert not joints[:, NECK].any()
    assert np.median(np.linalg.norm(joints[:, 2] - joints[:, 5], axis=-1)) == pytest.approx(1 / 3)
    assert (joints[:, 2, 0] < joints[:, 5, 0]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda seen: seen[:, :49], r"keypoints must have the shape \(T, 50, 3\), T at least 1, but has \(60, 49, 3\)"),
        (lambda seen: seen[:0], r"but has \(0, 50, 3\)"),
        (lambda seen: seen[0], r"but has \(50, 3\)"),
        (
            lambda seen: np.where(np.arange(60)[:, None, None] == 7, np.nan, seen),
            r"must be finite, but 150 numbers are not, the first in frame 7, joint 0",
        ),
        (lambda seen: seen * [1, 1, -1], r"confidences of at least 0, but frame 0, joint 0 has -1"),
        (
            lambda seen: seen * (np.arange(50) != 4)[:, None],
            "must show every joint in some frame, but never shows RIGHT_WRIST",
        ),
        (lambda seen: seen * (np.arange(50) < 29)[:, None], "never shows the right hand"),
        (lambda seen: seen * ~np.isin(np.arange(50), (9, 12))[:, None], "never shows 2 joints of the left hand"),
        (lambda seen: seen * [0, 0, 1], "must hold points that are apart, but all are the same"),
    ],
)
def test_refuses(make_signer, see, change, message):
    with pytest.raises(ValueError, match=message):
        lift(change(see(make_signer())))


def test_names_the_clip(make_signer, see):
    seen = see(make_signer())
    with pytest.raises(ValueError, match=r"clips\[1\] must have the shape"):
        lift_all([seen, seen[:, :3]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": -1}, "steps must be at least 0, but is -1"),
        ({"lr": 0.0}, r"lr must be positive, but is 0\.0"),
        ({"lr": float("inf")}, "lr must be positive, but is inf"),
        ({"smoothness": -0.1}, r"smoothness must be at least 0, but is -0\.1"),
        ({"length_weight": float("nan")}, "length_weight must be at least 0, but is nan"),
        ({"batch_frames": 0}, "batch_frames must be at least 1, but is 0"),
    ],
)
def test_refuses_options(options, message):
    with pytest.raises(ValueError, match=message):
        lift_all([], **options)


def test_import_loads_no_torch():
    code = (
        "import sys, signdiff_slp.prepare as prepare; sys.exit('torch' in sys.modules or prepare.__all__[0] != 'lift')"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.gpu
def test_gpu_equals_cpu(make_signer, see):
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    clips = [see(make_signer(T)) for T in (60, 33)]
    for left, right in zip(lift_all(clips), lift_all(clips, device="cuda"), strict=True):
        assert np.abs(left - right).max() < 0.5
