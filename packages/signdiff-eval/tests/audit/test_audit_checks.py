"""Properties: each fault that is put into a good hypothesis is found, and the good one is left alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pose_format.pose_header import PoseHeaderComponent, PoseHeaderDimensions

from signdiff_eval.audit.clip import Clip, clip_of, frozen, holes, off_scale
from signdiff_eval.audit.pairwise import compare, exchange

NAMES = ("NOSE", *(f"{side}_{part}" for side in ("LEFT", "RIGHT") for part in ("SHOULDER", "ELBOW", "WRIST")))
SWAPPED = [0, 4, 5, 6, 1, 2, 3]
REST = np.array([[0, -1, 0], *([s * x, y, 0] for s in (1, -1) for x, y in ((1, 0), (1.2, 1), (1, 2)))], dtype=float)

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=25, deadline=None)


def signing(rng, frames):
    """A figure whose right arm moves and whose left arm rests."""
    joints = np.repeat(REST[None], frames, axis=0)
    joints[:, 5:7] += np.cumsum(rng.normal(scale=0.1, size=(frames, 2, 3)), axis=0) + np.array([0.5, -1.0, 0.0])
    return joints


def clip(joints, fps=25.0, skeleton=NAMES):
    return Clip(joints, np.isfinite(joints).all(axis=-1), fps, skeleton)


def kinds(hypothesis, reference):
    return {kind for kind, _ in compare(hypothesis, reference)}


@few
@given(seeds, st.integers(4, 40), st.integers(2, 40))
def test_an_honest_hypothesis_is_left_alone(seed, frames, others):
    rng = np.random.default_rng(seed)
    made = signing(rng, min(frames, others)) + rng.normal(scale=0.02, size=(min(frames, others), 7, 3))
    assert kinds(clip(made), clip(signing(rng, frames))) == set()
    assert list(holes(clip(made))) == []


@few
@given(seeds, st.integers(2, 40), st.integers(1, 40))
def test_a_frozen_pose_is_found_alone_and_beside_its_reference(seed, frames, others):
    rng = np.random.default_rng(seed)
    true = signing(rng, frames)
    still = np.repeat(true.mean(axis=0, keepdims=True), others, axis=0)
    assert "frozen" in kinds(clip(still), clip(true))
    assert frozen(still) is None or others > 1
    assert others < 2 or "0 in a frame" in frozen(still)


@few
@given(seeds, st.integers(6, 40))
def test_standing_still_for_most_of_the_time_is_frozen(seed, frames):
    true = signing(np.random.default_rng(seed), frames)
    stuck = true.copy()
    stuck[frames // 3 :] = stuck[frames // 3]
    assert "frozen" in kinds(clip(stuck), clip(true))
    assert "in a row are identical" in frozen(stuck)


@few
@given(seeds, st.integers(2, 30), st.integers(1, 30))
def test_longer_is_found_and_only_longer(seed, frames, more):
    rng = np.random.default_rng(seed)
    true = clip(signing(rng, frames))
    assert "longer" in kinds(clip(signing(rng, frames + more)), true)
    assert "longer" not in kinds(clip(signing(rng, frames)), true)
    # Twice the frames at twice the rate last as long.
    assert "longer" not in kinds(clip(signing(rng, 2 * frames), fps=50.0), true)


@few
@given(seeds, st.integers(4, 30), st.sampled_from([np.float16, np.float32]))
def test_copied_frames_are_found_wherever_they_stand(seed, frames, dtype):
    rng = np.random.default_rng(seed)
    true = signing(rng, frames)
    made = signing(rng, frames) + rng.normal(scale=0.02, size=true.shape)
    made[2:4] = true[rng.integers(0, frames, 2)].astype(np.float32)
    found = dict(compare(clip(made), clip(true)))
    assert found["copied-frames"].startswith("2 of")
    assert "first-frame" not in found
    made[0] = true[0].astype(np.float32)
    assert "first-frame" in kinds(clip(made), clip(true))


@few
@given(seeds, st.integers(2, 30))
def test_different_frame_rates_are_found(seed, frames):
    rng = np.random.default_rng(seed)
    assert "frame-rate" in kinds(clip(signing(rng, frames), fps=12.5), clip(signing(rng, frames)))
    assert "frame-rate" not in kinds(clip(signing(rng, frames), fps=25.0 + 1e-6), clip(signing(rng, frames)))


@few
@given(seeds, st.integers(4, 40), st.sampled_from(["x", "names", "image"]), st.booleans())
def test_mirrored_skeletons_are_found(seed, frames, way, resampled):
    rng = np.random.default_rng(seed)
    true = signing(rng, frames)
    made = true[:: 2 if resampled else 1] + rng.normal(scale=0.01, size=true[:: 2 if resampled else 1].shape)
    assert "mirrored" not in kinds(clip(made), clip(true))
    turned = {"x": made * [-1, 1, 1], "names": made[:, SWAPPED], "image": made[:, SWAPPED] * [-1, 1, 1]}[way]
    assert "mirrored" in kinds(clip(turned), clip(true))


@few
@given(seeds, st.integers(3, 30), st.data())
def test_holes_are_found_and_counted(seed, frames, data):
    joints = signing(np.random.default_rng(seed), frames)
    chosen = sorted(data.draw(st.sets(st.integers(0, frames - 1), min_size=1, max_size=frames)))
    present = np.ones(joints.shape[:2], dtype=bool)
    broken = joints.copy()
    broken[chosen, 3] = np.nan
    expected = f"{len(chosen)} of {frames} frames, the first is frame {chosen[0]}"
    assert list(holes(Clip(broken, present, 25.0))) == [("nan-frames", expected)]
    present[chosen] = False
    assert list(holes(Clip(broken, present, 25.0))) == [("empty-frames", expected)]
    zeros = joints.copy()
    zeros[chosen] = 0
    assert list(holes(clip(zeros))) == [("empty-frames", expected)]


def test_no_frame_and_another_skeleton():
    assert list(holes(clip(np.zeros((0, 7, 3))))) == [("empty-frames", "no frame at all")]
    true = signing(np.random.default_rng(0), 5)
    assert kinds(clip(true[:, :4], skeleton=NAMES[:4]), clip(true)) == {"skeleton"}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (NAMES, SWAPPED),
        (("L_hand", "R_hand", "neck"), [1, 0, 2]),
        (("POSE.LEFT_EYE", "POSE.RIGHT_EYE"), [1, 0]),
        (("a", "b"), None),
        (("LEFT_EYE", "b"), None),
    ],
)
def test_partners_by_name(names, expected):
    assert exchange(names) == expected


@few
@given(seeds, st.integers(6, 40), st.sampled_from([1 / 500, 1 / 3, 3, 100]))
def test_other_units_are_named_and_nothing_is_frozen(seed, frames, factor):
    rng = np.random.default_rng(seed)
    true = signing(rng, frames)
    made = signing(rng, frames) * factor
    assert kinds(clip(made), clip(true)) == {"scale"}
    [detail] = [detail for kind, detail in compare(clip(made), clip(true)) if kind == "scale"]
    assert "--normalise" in detail
    # What is copied, too, is told as well.
    assert kinds(clip(true * factor), clip(true)) == {"scale", "copied-frames", "first-frame"}


@pytest.mark.parametrize(
    ("width", "found"), [(1 / 3, False), (0.3, False), (0.4, False), (1.0, True), (1 / 1500, True)]
)
def test_a_normalised_file_has_shoulders_a_third_apart(make_pose, width, found):
    joints = np.random.default_rng(1).normal(scale=0.1, size=(5, 50, 3))
    joints[:, 2], joints[:, 5] = (-width / 2, 0, 0), (width / 2, 0, 0)
    pose = make_pose(joints)
    body = ("NOSE", "NECK", "RIGHT_SHOULDER", "RIGHT_ELBOW", "RIGHT_WRIST", "LEFT_SHOULDER", "LEFT_ELBOW", "LEFT_WRIST")
    hand = [f"P{number}" for number in range(21)]
    parts = (("BODY", list(body)), ("LEFT_HAND", hand), ("RIGHT_HAND", hand))
    pose.header.components = [PoseHeaderComponent(name, points, [], [(0, 0, 0)], "XYZC") for name, points in parts]
    wrong = off_scale(clip_of(pose))
    assert (wrong is not None) == found
    pose.header.dimensions = PoseHeaderDimensions(640, 480, 1)  # pixels
    assert off_scale(clip_of(pose)) is None
