"""Joints that are absent for a while."""

import re

import numpy as np
import pytest

from signdiff_core.gaps import MissingJointsWarning, fill_gaps
from signdiff_core.skeleton import LEFT_HAND, RIGHT_HAND, make_pose
from signdiff_core.skeleton_renderer import SkeletonRenderer

FPS = 20  # a quarter of a second is 5 frames


def moving(frames=40):
    """Make joints that all move evenly: the position of frame t is t."""
    return np.tile(np.arange(frames, dtype=np.float64)[:, None, None] / 100, (1, 50, 3))


def filled(joints, confidence, missing="hold"):
    with pytest.warns(MissingJointsWarning) as told:
        result = fill_gaps(make_pose(joints, FPS, confidence=confidence), missing)
    return result, str(told[0].message)


def test_a_whole_pose_stays_as_it_is(pose, recwarn):
    result = fill_gaps(pose)
    assert np.array_equal(result.joints, pose.body.data[:, 0])
    assert not recwarn.list
    assert not result.hidden.any()
    assert result.shown.all()


@pytest.mark.parametrize("missing", ["hold", "hide"])
def test_a_short_gap_is_filled_by_what_lies_between(missing):
    joints, confidence = moving(), np.ones((40, 50))
    confidence[10:15] = 0
    seen = np.where(confidence[..., None] > 0, joints, 99)
    result, told = filled(seen, confidence, missing)
    np.testing.assert_allclose(result.joints, joints, atol=1e-6)
    assert (result.seen > 0).all()
    assert told.startswith("5 of 40 frames show nobody; joints of the body are absent in 5 of 40: filled in 5;")


def test_a_long_gap_is_held_and_then_bridged():
    joints, confidence = moving(), np.ones((40, 50))
    confidence[10:25, 0] = 0
    result, told = filled(joints, confidence)
    held = result.joints[:, 0, 0] * 100
    np.testing.assert_allclose(held[9:20], 9, atol=1e-4)
    np.testing.assert_allclose(held[19:26], 9 + np.arange(7) * 16 / 6, atol=1e-4)
    assert told == "joints of the body are absent in 15 of 40: held in 15."


def test_ends_are_held():
    joints, confidence = moving(), np.ones((40, 50))
    confidence[:2, 0] = confidence[38:, 0] = 0
    result, _ = filled(joints, confidence)
    np.testing.assert_allclose(result.joints[[0, 1, 38, 39], 0, 0] * 100, [2, 2, 37, 37], atol=1e-4)


def test_a_long_gap_is_hidden_where_that_is_asked_for():
    joints, confidence = moving(), np.ones((40, 50))
    confidence[10:25] = 0
    result, told = filled(joints, confidence, "hide")
    assert result.shown.tolist() == [True] * 10 + [False] * 15 + [True] * 15
    assert (result.seen == 0).sum() == 15 * 50
    assert "15 of 40 frames show nobody" in told
    assert "hidden in 15" in told


def test_a_hand_that_is_lost_goes_where_its_arm_goes():
    """The forearm swings by a quarter of a circle while the hand is lost: the hand swings with it, about the wrist."""
    joints, confidence = np.zeros((30, 50, 3)), np.ones((30, 50))
    joints[:, 4] = (0, -0.3, 0)
    joints[15:, 4] = (0.3, 0, 0)
    joints[:, RIGHT_HAND] = joints[:, 4, None]
    joints[:10, 38] += (0, -0.1, 0)
    confidence[10:, RIGHT_HAND] = 0
    result, _ = filled(joints, confidence)
    np.testing.assert_allclose(result.joints[12, 38], (0, -0.4, 0), atol=1e-6)
    np.testing.assert_allclose(result.joints[20, 38], (0.4, 0, 0), atol=1e-6)


def test_what_no_frame_has_stays_absent(recwarn):
    joints, confidence = moving(), np.ones((40, 50))
    confidence[:, LEFT_HAND] = 0
    result = fill_gaps(make_pose(joints, FPS, confidence=confidence))
    assert not result.confidence[:, LEFT_HAND].any()
    assert not recwarn.list


def test_other_ways_are_refused(pose):
    with pytest.raises(ValueError, match="missing must be 'hold' or 'hide', but is 'drop'"):
        SkeletonRenderer().render(pose, missing="drop")


def test_frames_without_anybody_are_told_and_shown_as_asked(pose):
    joints = np.repeat(np.asarray(pose.body.data[:1, 0]), 30, axis=0)
    confidence = np.ones((30, 50))
    confidence[10:] = 0
    absent = make_pose(joints, 25, confidence=confidence)
    with pytest.warns(MissingJointsWarning, match=re.escape("20 of 30 frames show nobody")):
        held = list(SkeletonRenderer().render(absent, size=64))
    assert all(np.array_equal(frame, held[0]) for frame in held)
    with pytest.warns(MissingJointsWarning):
        hidden = list(SkeletonRenderer().render(absent, size=64, missing="hide"))
    assert np.array_equal(hidden[9], held[9])
    assert (hidden[10] == hidden[10][:, :1]).all()  # the wall alone
