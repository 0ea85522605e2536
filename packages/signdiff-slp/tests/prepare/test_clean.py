import numpy as np
import pytest

from signdiff_core.skeleton import LEFT_HAND, LEFT_WRIST, NOSE, RIGHT_HAND
from signdiff_core.sources import find_clips, read
from signdiff_slp.corpora.filling import fill_absent
from signdiff_slp.prepare.clean import clean, clean_face, drop_doubtful, fill_in_time, fill_with_median


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


def test_a_joint_that_is_filled_has_no_depth(points):
    points[0, 10, 2] = 0.05
    points[1, 30] = 0
    depth = np.full(points.shape[:2], 7.0)
    depth[2, 20] = np.nan
    seen = clean(points, depth, min_confidence=0.1).in_space
    unknown = np.isnan(seen[..., 2])
    assert sorted(map(tuple, np.argwhere(unknown).tolist())) == [(0, 10), (1, 30), (2, 20)]
    assert (seen[..., 2][~unknown] == 7).all()
    assert np.isnan(clean(points).depth).all()


@pytest.mark.parametrize(
    ("absent", "named"),
    [
        ([4], "RIGHT_WRIST"),
        (range(29, 50), "the right hand"),
        ([9, 12], "2 joints of the left hand"),
        ([0, *range(8, 29)], "NOSE, the left hand"),
    ],
)
def test_joints_that_no_frame_has_are_named(points, absent, named):
    points[:, absent] = 0
    with pytest.raises(ValueError, match=f"must show every joint in some frame, but this one never shows {named}\\."):
        clean(points).check()


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


def test_a_face_is_filled_beside_the_nose_and_has_its_depth_from_it():
    rng = np.random.default_rng(0)
    points = np.repeat(rng.uniform(100, 400, (1, 124, 3)), 3, axis=0)
    points[..., 2] = 0.9
    points[:, :, 0] += np.array([0, 10, 20])[:, None]  # the signer moves to the side
    depth = np.full((3, 124), np.nan)
    depth[:, 54:] = rng.uniform(-20, 20, (1, 70))
    points[1, 54:, 2] = 0.05  # doubtful
    face = clean_face(points, depth, points[:, :50])
    assert face[:, :, :2] == pytest.approx(points[:, 50:, :2])
    assert face[0, 4:, 2] == pytest.approx(depth[0, 54:] - depth[0, 54 + 30])
    assert face[0, 3, 2] == pytest.approx(face[0, 4 + 16, 2])  # the left ear, behind the left end of the jaw
    assert not clean_face(points, None, points[:, :50])[..., 2].any()


def test_a_mirrored_face_is_a_face():
    from signdiff_slp.prepare.shards import mirror

    joints = np.random.default_rng(0).normal(size=(2, 124, 3))
    mirrored = mirror(joints)
    assert np.array_equal(mirror(mirrored), joints)
    # Corners of the mouth, outer corners of the eyes, ends of the jaw, pupils, ears; chin and nose stay in the middle.
    for left, right in ((48, 54), (36, 45), (0, 16), (68, 69), (-2, -1), (8, 8), (30, 30), (33, 33), (17, 26)):
        assert np.array_equal(mirrored[:, 54 + left], joints[:, 54 + right] * (-1, 1, 1))


@pytest.mark.realdata
def test_a_real_face_keeps_its_place_on_the_head(realdata):
    from signdiff_slp.prepare.plan import Settings, Task
    from signdiff_slp.prepare.shards import finish, keypoints_of

    (source,) = find_clips(realdata / "how2sign-openpose" / "dwpose")
    settings = Settings(skeleton="body_hands_face", fps=24)
    clip = keypoints_of(Task(name="a", split="train", text="a", source=source), settings)
    assert "2 points of head and face are in no frame: others stand in" in clip.notes  # pupils
    joints = finish(clip, settings).joints
    assert joints.shape == (135, 124, 3)
    jaw = [
        np.linalg.norm(points[:, 0] - points[:, 16], axis=-1) for points in (joints[:, 54:, :2], clip.face[:, 4:, :2])
    ]
    scale = jaw[0] / jaw[1]
    assert np.ptp(scale) < 1e-4 * scale.mean()
    seen = clip.face[..., :2] - clip.face[:, [4 + 30], :2]
    assert joints[:, 50:, :2] - joints[:, [54 + 30], :2] == pytest.approx(seen * scale[:, None, None], abs=1e-4)
